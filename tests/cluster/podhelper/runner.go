package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Annotations that steer a pod; all may be changed while it runs.
const (
	knobs = "pods.sallyport.dev/"

	readyAfter     = knobs + "ready-after"      // duration, default 0
	ready          = knobs + "ready"            // "false": Ready is False
	crashed        = knobs + "crashed"          // "true": nothing listens, status unchanged
	schedule       = knobs + "schedule"         // "false": stays Pending
	wantAddress    = knobs + "address"          // this address and no other
	tlsSecret      = knobs + "tls-secret"       // certificate of the https ports
	serveAfterStop = knobs + "serve-after-stop" // duration, default 1s, at most the grace period
	unreadyAtStop  = knobs + "unready-at-stop"  // "true": Ready is False while terminating
	echoName       = knobs + "name"             // name to answer with, default the container's
)

// How long a runner sleeps when only an event can give it work.
const forever = 24 * time.Hour

// Plays one pod from its binding to its deletion, on a goroutine of its own.
// It looks at the newest state it was told, takes the next step from there and
// sleeps, so a lost event or a failed request never leaves it behind.
type runner struct {
	node    *node
	uid     string
	wake    chan struct{}
	stopped chan struct{}

	lock   sync.Mutex // guards what follows
	latest *pod

	// Of the runner's own goroutine.
	address   netip.Addr
	listeners listenerSet
	processes []*process
	listening bool
	started   time.Time
	stopSeen  time.Time
	written   string // value of the Ready condition last written
}

func newRunner(n *node, p *pod) *runner {
	return &runner{
		node: n, uid: p.Metadata.UID, latest: p,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

func (r *runner) tell(p *pod) {
	r.lock.Lock()
	r.latest = p
	r.lock.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *runner) stop() { close(r.stopped) }

func (r *runner) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	defer r.node.releaseAddress(r.uid)
	defer r.close()
	for ctx.Err() == nil {
		r.lock.Lock()
		p := r.latest
		r.lock.Unlock()
		sleep, err := r.step(ctx, p)
		if err != nil && ctx.Err() == nil {
			log.Printf("%s/%s: %v", p.Metadata.Namespace, p.Metadata.Name, err)
			sleep = retryAfter
		}
		timer := time.NewTimer(sleep)
		select {
		case <-r.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

func podPath(p *pod) string {
	return "/api/v1/namespaces/" + p.Metadata.Namespace + "/pods/" + p.Metadata.Name
}

func knobDuration(p *pod, name string, fallback time.Duration) time.Duration {
	value, err := time.ParseDuration(p.Metadata.Annotations[name])
	if err != nil {
		return fallback
	}
	return value
}

// Takes the next step and tells after what time there may be another.
func (r *runner) step(ctx context.Context, p *pod) (time.Duration, error) {
	notes := p.Metadata.Annotations
	switch {
	case p.Metadata.DeletionTimestamp != "" && p.Spec.NodeName != "":
		return r.terminate(ctx, p)
	case p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed":
		r.close()
		return forever, nil
	case p.Spec.NodeName == "" && notes[schedule] == "false":
		return forever, nil
	case p.Spec.NodeName == "":
		err := r.bind(ctx, p)
		return forever, err
	}
	if !r.address.IsValid() {
		wanted := notes[wantAddress]
		if p.Status.PodIP != "" {
			wanted = p.Status.PodIP
		}
		address, err := r.node.takeAddress(r.uid, wanted)
		if err != nil {
			return 0, err
		}
		r.address, r.started = address, time.Now()
	}
	if r.listening == (notes[crashed] == "true") {
		if err := r.flipListeners(ctx, p); err != nil {
			return 0, err
		}
	}
	left := knobDuration(p, readyAfter, 0) - time.Since(r.started)
	isReady := notes[ready] != "false" && left <= 0
	if err := r.writeStatus(ctx, p, isReady); err != nil {
		return 0, err
	}
	if left > 0 {
		return left, nil
	}
	return forever, nil
}

func (r *runner) bind(ctx context.Context, p *pod) error {
	err := r.node.api.post(ctx, podPath(p)+"/binding", object{
		"apiVersion": "v1", "kind": "Binding",
		"metadata": object{"name": p.Metadata.Name, "uid": r.uid},
		"target":   object{"apiVersion": "v1", "kind": "Node", "name": r.node.name},
	})
	if isCode(err, http.StatusConflict) || isCode(err, http.StatusNotFound) {
		return nil // bound or gone already: an event is on its way
	}
	return err
}

// The certificate of the Secret the pod names, else the one all others share.
func (r *runner) certificate(ctx context.Context, p *pod) (*tls.Certificate, error) {
	name := p.Metadata.Annotations[tlsSecret]
	if name == "" {
		return r.node.spare, nil
	}
	var secret struct {
		Data map[string]string `json:"data"`
	}
	path := "/api/v1/namespaces/" + p.Metadata.Namespace + "/secrets/" + name
	if err := r.node.api.get(ctx, path, &secret); err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, err)
	}
	chain, err := base64.StdEncoding.DecodeString(secret.Data["tls.crt"])
	if err != nil {
		return nil, fmt.Errorf("secret %s: tls.crt: %w", name, err)
	}
	key, err := base64.StdEncoding.DecodeString(secret.Data["tls.key"])
	if err != nil {
		return nil, fmt.Errorf("secret %s: tls.key: %w", name, err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, err)
	}
	return &pair, nil
}

// What a killed pod leaves: nothing.
func (r *runner) close() {
	for _, one := range r.processes {
		one.stop()
	}
	r.processes = nil
	r.listeners.close()
}

// Opens the ports of the pod's containers, or closes them all.  A port whose
// name begins with "https" or "tls" speaks TLS.  A container whose image is a
// program opens its own.
func (r *runner) flipListeners(ctx context.Context, p *pod) error {
	if r.listening {
		r.close()
		r.listening = false
		return nil
	}
	for _, c := range p.Spec.Containers {
		if program := r.node.images[c.Image]; program != "" {
			one, err := startProcess(p.Metadata.Namespace+"/"+p.Metadata.Name, r.uid,
				r.address, append([]string{program, c.Image}, c.Args...))
			if err != nil {
				r.close()
				return err
			}
			r.processes = append(r.processes, one)
			continue
		}
		who := identity{p.Metadata.Annotations[echoName], p.Metadata.Namespace, p.Metadata.Name}
		if who.Name == "" {
			who.Name = c.Name
		}
		for _, port := range c.Ports {
			if port.Protocol == "UDP" || port.Protocol == "SCTP" {
				continue
			}
			var certificate *tls.Certificate
			if strings.HasPrefix(port.Name, "https") || strings.HasPrefix(port.Name, "tls") {
				var err error
				if certificate, err = r.certificate(ctx, p); err != nil {
					r.close()
					return err
				}
			}
			for _, address := range r.node.addresses(r.address) {
				at := net.JoinHostPort(address.String(), strconv.Itoa(port.ContainerPort))
				if err := r.listeners.open(at, who, certificate); err != nil {
					r.close()
					return err
				}
			}
		}
	}
	r.listening = true
	return nil
}

func (r *runner) writeStatus(ctx context.Context, p *pod, isReady bool) error {
	value := "False"
	if isReady {
		value = "True"
	}
	if r.written == value {
		return nil
	}
	now := time.Now().UTC().Format(time.RFC3339)
	start := p.Status.StartTime
	if start == "" {
		start = now
	}
	conditions := []object{}
	for _, kind := range []string{"PodReadyToStartContainers", "PodScheduled",
		"Initialized", "ContainersReady", "Ready"} {
		status, since := "True", start
		if kind == "ContainersReady" || kind == "Ready" {
			status, since = value, now
		}
		conditions = append(conditions, object{
			"type": kind, "status": status, "lastTransitionTime": since})
	}
	containers := []object{}
	for _, c := range p.Spec.Containers {
		containers = append(containers, object{
			"name": c.Name, "image": c.Image, "imageID": "helper://" + c.Image,
			"containerID": "helper://" + r.uid + "/" + c.Name,
			"ready":       isReady, "started": true, "restartCount": 0,
			"state": object{"running": object{"startedAt": start}},
		})
	}
	addresses := []object{}
	for _, address := range r.node.addresses(r.address) {
		addresses = append(addresses, object{"ip": address.String()})
	}
	err := r.node.api.merge(ctx, podPath(p)+"/status", object{
		"metadata": object{"uid": r.uid},
		"status": object{
			"phase": "Running", "startTime": start,
			"hostIP": "127.0.0.1", "hostIPs": []object{{"ip": "127.0.0.1"}},
			"podIP": r.address.String(), "podIPs": addresses,
			"conditions": conditions, "containerStatuses": containers,
		},
	})
	if isCode(err, http.StatusNotFound) {
		return nil
	}
	if err == nil {
		r.written = value
	}
	return err
}

// Serves on as long as it was told to, lets running requests end within the
// grace period, then has the object removed.
func (r *runner) terminate(ctx context.Context, p *pod) (time.Duration, error) {
	if r.stopSeen.IsZero() {
		r.stopSeen = time.Now()
	}
	if p.Metadata.Annotations[unreadyAtStop] == "true" && r.address.IsValid() {
		if err := r.writeStatus(ctx, p, false); err != nil {
			return 0, err
		}
	}
	grace := 30 * time.Second
	if seconds := p.Metadata.DeletionGracePeriodSeconds; seconds != nil {
		grace = time.Duration(*seconds) * time.Second
	}
	serve := min(knobDuration(p, serveAfterStop, time.Second), grace)
	if left := serve - time.Since(r.stopSeen); left > 0 && r.listening {
		return left, nil
	}
	limit, cancel := context.WithDeadline(ctx, r.stopSeen.Add(grace))
	defer cancel()
	r.listeners.drain(limit)
	r.close()
	r.listening = false
	err := r.node.api.do(ctx, http.MethodDelete, podPath(p), "application/json", object{
		"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
		"preconditions": object{"uid": r.uid},
	}, nil)
	if isCode(err, http.StatusNotFound) || isCode(err, http.StatusConflict) {
		return forever, nil
	}
	return forever, err
}
