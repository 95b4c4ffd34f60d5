// One program that is every part of a Kubernetes control plane, and kubectl:
// the first argument names the part, the rest are that part's own flags.  One
// link step and one file to keep instead of four.  A further part (scheduler,
// kubelet, kube-proxy) is one more import and one more row of the table.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	etcd "go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// A part takes over the process: it reads os.Args, whose first element is its
// name, and never returns.
var parts = map[string]func(){
	"etcd":                    func() { etcd.Main(os.Args) },
	"kube-apiserver":          func() { run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() { run(manager.NewControllerManagerCommand()) },
	"kubectl":                 func() { run(kubectl.NewDefaultKubectlCommand()) },
}

func run(command *cobra.Command) {
	os.Exit(cli.Run(command))
}

func fail() {
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintf(os.Stderr, "usage: kube PART [FLAGS]\nparts: %s\n",
		strings.Join(names, ", "))
	os.Exit(2)
}

func main() {
	if len(os.Args) < 2 {
		fail()
	}
	os.Args = os.Args[1:]
	part, known := parts[os.Args[0]]
	if !known {
		fail()
	}
	part()
}
