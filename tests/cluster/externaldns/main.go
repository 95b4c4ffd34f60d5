// One synchronisation of Ingress status into DNS by external-dns, and the end:
// its ingress source, its TXT and noop registries, its RFC 2136 and in-memory
// providers.  The program of the project itself links every cloud's client; this
// one takes the same flags and the same steps with what the tests need.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	log "github.com/sirupsen/logrus"
	"k8s.io/klog/v2"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns/validation"
	"sigs.k8s.io/external-dns/plan"
	"sigs.k8s.io/external-dns/provider"
	"sigs.k8s.io/external-dns/provider/inmemory"
	"sigs.k8s.io/external-dns/provider/rfc2136"
	"sigs.k8s.io/external-dns/registry"
	"sigs.k8s.io/external-dns/registry/noop"
	"sigs.k8s.io/external-dns/registry/txt"
	"sigs.k8s.io/external-dns/source"
	"sigs.k8s.io/external-dns/source/annotations"
	"sigs.k8s.io/external-dns/source/wrappers"
)

type makeProvider func(context.Context, *externaldns.Config, *endpoint.DomainFilter) (provider.Provider, error)

type makeRegistry func(*externaldns.Config, provider.Provider) (registry.Registry, error)

var providers = map[string]makeProvider{
	externaldns.ProviderInMemory: inmemory.New,
	externaldns.ProviderRFC2136:  rfc2136.New,
}

var registries = map[string]makeRegistry{
	externaldns.RegistryNoop: noop.New,
	externaldns.RegistryTXT:  txt.New,
}

func configure(arguments []string) (*externaldns.Config, error) {
	config := externaldns.NewConfig()
	if err := config.ParseFlags(arguments); err != nil {
		return nil, err
	}
	if err := validation.ValidateConfig(config); err != nil {
		return nil, err
	}
	if !config.Once {
		return nil, fmt.Errorf("only --once is built in")
	}
	level, err := log.ParseLevel(config.LogLevel)
	if err != nil {
		return nil, err
	}
	log.SetLevel(level)
	klog.SetLogger(logr.Discard())
	crlog.SetLogger(logr.Discard())
	annotations.SetAnnotationPrefix(config.AnnotationPrefix)
	return config, nil
}

// What the cluster asks for and where it is to be written.
func open(ctx context.Context, config *externaldns.Config, filter *endpoint.DomainFilter) (source.Source, registry.Registry, error) {
	newProvider, newRegistry := providers[config.Provider], registries[config.Registry]
	if newProvider == nil || newRegistry == nil {
		return nil, nil, fmt.Errorf("provider %q or registry %q is not built in",
			config.Provider, config.Registry)
	}
	wanted, err := source.NewSourceConfig(config)
	if err != nil {
		return nil, nil, err
	}
	from, err := wrappers.Build(ctx, wanted)
	if err != nil {
		return nil, nil, err
	}
	target, err := newProvider(ctx, config, filter)
	if err != nil {
		return nil, nil, err
	}
	records, err := newRegistry(config, target)
	return from, records, err
}

func synchronise(ctx context.Context, arguments []string) (*plan.Changes, error) {
	config, err := configure(arguments)
	if err != nil {
		return nil, err
	}
	policy, known := plan.Policies[config.Policy]
	if !known {
		return nil, fmt.Errorf("unknown policy %q", config.Policy)
	}
	filter := endpoint.NewDomainFilterWithOptions(
		endpoint.WithDomainFilter(config.DomainFilter),
		endpoint.WithDomainExclude(config.DomainExclude))
	from, to, err := open(ctx, config, filter)
	if err != nil {
		return nil, err
	}
	present, err := to.Records(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the zone: %w", err)
	}
	ctx = context.WithValue(ctx, provider.RecordsContextKey, present)
	wanted, err := from.Endpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster: %w", err)
	}
	wanted, err = to.AdjustEndpoints(wanted)
	if err != nil {
		return nil, err
	}
	changes := (&plan.Plan{
		Policies: []plan.Policy{policy},
		Current:  present,
		Desired:  wanted,
		DomainFilter: endpoint.MatchAllDomainFilters{
			filter, to.GetDomainFilter()},
		ManagedRecords: config.ManagedDNSRecordTypes,
		ExcludeRecords: config.ExcludeDNSRecordTypes,
		OwnerID:        to.OwnerID(),
	}).Calculate().Changes
	if !changes.HasChanges() {
		return changes, nil
	}
	if err := to.ApplyChanges(ctx, changes); err != nil {
		return nil, fmt.Errorf("writing the zone: %w", err)
	}
	return changes, nil
}

// Prints the changes that were made as JSON: {"Create":[...],...}.
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	changes, err := synchronise(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "external-dns: %v\n", err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(changes)
}
