package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

const retryAfter = 200 * time.Millisecond

// The Node, and every pod that is on it.
type node struct {
	api     *client
	name    string
	cidr    netip.Prefix
	cidr6   netip.Prefix     // invalid: pods have IPv4 alone
	spare   *tls.Certificate // of pods that name no Secret
	images  images           // containers that are processes
	runners map[string]*runner
	running sync.WaitGroup

	lock sync.Mutex // guards what follows
	last netip.Addr
	used map[netip.Addr]string // address -> uid
}

func newNode(api *client, name string, cidr, cidr6 netip.Prefix) (*node, error) {
	spare, err := selfSigned()
	if err != nil {
		return nil, err
	}
	// The first address of the range is left out: it is the network's.
	return &node{
		api: api, name: name, cidr: cidr.Masked(), cidr6: cidr6.Masked(), spare: spare,
		last:    cidr.Masked().Addr(),
		runners: map[string]*runner{},
		used:    map[netip.Addr]string{},
	}, nil
}

// Gives 'uid' the address 'wanted' if it is valid, in the range and free, else
// the next free one.  Addresses go round the whole range before one is reused.
func (n *node) takeAddress(uid, wanted string) (netip.Addr, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if address, err := netip.ParseAddr(wanted); err == nil {
		holder := n.used[address]
		if n.cidr.Contains(address) && (holder == "" || holder == uid) {
			n.used[address] = uid
			return address, nil
		}
		return address, fmt.Errorf("address %s is not free", wanted)
	}
	for tries := 0; tries < 1<<16; tries++ {
		n.last = n.last.Next()
		if !n.cidr.Contains(n.last) {
			n.last = n.cidr.Addr().Next()
		}
		if n.used[n.last] == "" {
			n.used[n.last] = uid
			return n.last, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address left in %s", n.cidr)
}

// All addresses of the pod that has this IPv4 address: its IPv6 address ends
// with the same four bytes.
func (n *node) addresses(address netip.Addr) []netip.Addr {
	if !n.cidr6.IsValid() {
		return []netip.Addr{address}
	}
	bytes, tail := n.cidr6.Addr().As16(), address.As4()
	copy(bytes[12:], tail[:])
	return []netip.Addr{address, netip.AddrFrom16(bytes)}
}

func (n *node) releaseAddress(uid string) {
	n.lock.Lock()
	defer n.lock.Unlock()
	for address, holder := range n.used {
		if holder == uid {
			delete(n.used, address)
		}
	}
}

// Creates the Node, Ready and without the taint that admission puts on it.
func (n *node) register(ctx context.Context) error {
	now := time.Now().UTC().Format(time.RFC3339)
	err := n.api.post(ctx, "/api/v1/nodes", object{
		"apiVersion": "v1", "kind": "Node",
		"metadata": object{"name": n.name, "labels": object{
			"kubernetes.io/hostname": n.name, "kubernetes.io/os": "linux"}},
		"spec": object{"podCIDR": n.cidr.String()},
	})
	if err != nil && !isCode(err, http.StatusConflict) {
		return err
	}
	path := "/api/v1/nodes/" + n.name
	if err := n.api.merge(ctx, path, object{"spec": object{"taints": nil}}); err != nil {
		return err
	}
	capacity := object{"cpu": "64", "memory": "256Gi", "pods": "10000"}
	return n.api.merge(ctx, path+"/status", object{"status": object{
		"capacity": capacity, "allocatable": capacity,
		"addresses": []object{{"type": "InternalIP", "address": "127.0.0.1"}},
		"conditions": []object{{
			"type": "Ready", "status": "True", "reason": "HelperReady",
			"lastHeartbeatTime": now, "lastTransitionTime": now}},
	}})
}

func (n *node) see(ctx context.Context, p *pod) {
	if p.Spec.NodeName != "" && p.Spec.NodeName != n.name {
		return
	}
	known := n.runners[p.Metadata.UID]
	if known == nil {
		known = newRunner(n, p)
		n.runners[p.Metadata.UID] = known
		n.running.Add(1)
		go func() {
			defer n.running.Done()
			known.run(ctx)
		}()
	}
	known.tell(p)
}

func (n *node) forget(uid string) {
	if known := n.runners[uid]; known != nil {
		known.stop()
		delete(n.runners, uid)
	}
}

// Lists all pods and returns the version the list stands for.
func (n *node) list(ctx context.Context) (string, error) {
	var list struct {
		Metadata metadata `json:"metadata"`
		Items    []*pod   `json:"items"`
	}
	if err := n.api.get(ctx, "/api/v1/pods", &list); err != nil {
		return "", err
	}
	there := map[string]bool{}
	for _, item := range list.Items {
		there[item.Metadata.UID] = true
	}
	for uid := range n.runners {
		if !there[uid] {
			n.forget(uid)
		}
	}
	// Who has an address keeps it: those first, then the new ones.
	for _, item := range list.Items {
		if item.Status.PodIP != "" {
			n.takeAddress(item.Metadata.UID, item.Status.PodIP)
		}
	}
	for _, item := range list.Items {
		n.see(ctx, item)
	}
	return list.Metadata.ResourceVersion, nil
}

// Follows the pods until the stream ends or breaks.
func (n *node) watch(ctx context.Context, version string) error {
	response, err := n.api.send(ctx, http.MethodGet,
		"/api/v1/pods?watch=1&resourceVersion="+url.QueryEscape(version),
		"application/json", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	stream := json.NewDecoder(response.Body)
	for {
		var event struct {
			Type   string          `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		if err := stream.Decode(&event); err != nil {
			return err
		}
		var p pod
		if event.Type == "ERROR" {
			return fmt.Errorf("watch: %s", event.Object)
		}
		if err := json.Unmarshal(event.Object, &p); err != nil {
			return err
		}
		if event.Type == "DELETED" {
			n.forget(p.Metadata.UID)
		} else {
			n.see(ctx, &p)
		}
	}
}

func (n *node) run(ctx context.Context) error {
	defer n.running.Wait()
	for ctx.Err() == nil {
		err := n.register(ctx)
		if err == nil {
			var version string
			if version, err = n.list(ctx); err == nil {
				log.Printf("following pods from version %s", version)
				err = n.watch(ctx, version)
			}
		}
		if ctx.Err() == nil {
			log.Printf("starting over: %v", err)
			pause(ctx, retryAfter)
		}
	}
	return nil
}
