// peer is the least a webhook on controller-runtime can do: host and path
// against an index in memory, and nothing else.  The admission benchmark holds
// ours against it.
//
//	usage: peer PORT CERTIFICATE-FOLDER MANIFESTS-FOLDER
//
// The index is filled once from YAML and follows nothing; no object is kept,
// where a webhook with informers would keep them all.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"

	"github.com/go-logr/logr"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/yaml"
)

type claim struct{ host, path string }

type owner struct{ namespace, name string }

type index struct {
	lock   sync.RWMutex
	owners map[claim]owner
}

func (x *index) each(in *networkingv1.Ingress, use func(claim)) {
	for _, rule := range in.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			use(claim{rule.Host, path.Path})
		}
	}
}

func (x *index) add(in *networkingv1.Ingress) {
	x.lock.Lock()
	defer x.lock.Unlock()
	x.each(in, func(c claim) {
		x.owners[c] = owner{in.Namespace, in.Name}
	})
}

// conflict says which claim of an Ingress another one has.
func (x *index) conflict(in *networkingv1.Ingress) error {
	var found error
	x.lock.RLock()
	defer x.lock.RUnlock()
	x.each(in, func(c claim) {
		has, ok := x.owners[c]
		if ok && has != (owner{in.Namespace, in.Name}) && found == nil {
			found = fmt.Errorf("host %q and path %q is already defined in "+
				"ingress %s/%s", c.host, c.path, has.namespace, has.name)
		}
	})
	return found
}

type judge struct {
	index   *index
	decoder admission.Decoder
}

func (j *judge) Handle(_ context.Context, req admission.Request) admission.Response {
	var in networkingv1.Ingress
	if err := j.decoder.Decode(req, &in); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if err := j.index.conflict(&in); err != nil {
		return admission.Denied(err.Error())
	}
	return admission.Allowed("")
}

func readFile(x *index, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	documents := utilyaml.NewYAMLReader(bufio.NewReader(file))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var in networkingv1.Ingress
		if err := yaml.Unmarshal(document, &in); err != nil {
			return err
		}
		if in.Kind == "Ingress" {
			x.add(&in)
		}
	}
}

func readFolder(folder string) (*index, error) {
	x := &index{owners: map[claim]owner{}}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	for _, file := range files {
		if err == nil {
			err = readFile(x, file)
		}
	}
	return x, err
}

func run() error {
	if len(os.Args) != 4 {
		return errors.New("usage: peer PORT CERTIFICATE-FOLDER MANIFESTS-FOLDER")
	}
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	log.SetLogger(logr.Discard())
	x, err := readFolder(os.Args[3])
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // What only the reading took is not held against it.
	scheme := runtime.NewScheme()
	if err := networkingv1.AddToScheme(scheme); err != nil {
		return err
	}
	server := webhook.NewServer(webhook.Options{
		Host: "127.0.0.1", Port: port, CertDir: os.Args[2],
	})
	server.Register("/validate", &admission.Webhook{Handler: &judge{
		index: x, decoder: admission.NewDecoder(scheme),
	}})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return server.Start(ctx)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
