// cert-manager's controller, and the solver that it runs as a pod for ACME's
// HTTP-01.  The commands of the project itself are modules of their own that no
// module proxy has; these start the same control loops with the defaults of its
// manifests, for the issuers and the sources of certificates the tests use.
//
//	certmanager controller --kubeconfig FILE [--nameserver ADDRESS] [--solver-image NAME]
//	certmanager acmesolver --listen-port N --domain HOST --token T --key K
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/acmechallenges"
	"github.com/cert-manager/cert-manager/pkg/controller/acmeorders"
	shim "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	requestacme "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/acme"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	requestca "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	"github.com/cert-manager/cert-manager/pkg/logs"
)

const workers = 5

var loops = []string{
	acmechallenges.ControllerName,
	acmeorders.ControllerName,
	approver.ControllerName,
	shim.ControllerName,
	issuers.ControllerName,
	issuing.ControllerName,
	keymanager.ControllerName,
	readiness.ControllerName,
	requestacme.CRControllerName,
	requestca.CRControllerName,
	requestmanager.ControllerName,
	revisionmanager.ControllerName,
	trigger.ControllerName,
}

func defaults() controller.ContextOptions {
	return controller.ContextOptions{
		KubernetesAPIQPS:   20,
		KubernetesAPIBurst: 50,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: "kube-system"},
		ACMEOptions: controller.ACMEOptions{
			HTTP01SolverResourceRequestCPU:    resource.MustParse("10m"),
			HTTP01SolverResourceRequestMemory: resource.MustParse("64Mi"),
			HTTP01SolverResourceLimitsCPU:     resource.MustParse("100m"),
			HTTP01SolverResourceLimitsMemory:  resource.MustParse("64Mi"),
			ACMEHTTP01SolverRunAsNonRoot:      true,
			DNS01CheckAuthoritative:           true,
			DNS01CheckRetryPeriod:             10 * time.Second,
		},
		IngressShimOptions: controller.IngressShimOptions{
			DefaultIssuerKind:                 "Issuer",
			DefaultIssuerGroup:                "cert-manager.io",
			DefaultAutoCertificateAnnotations: []string{"kubernetes.io/tls-acme"},
		},
		CertificateOptions: controller.CertificateOptions{
			CopiedAnnotationPrefixes: []string{"*", "-kubectl.kubernetes.io/",
				"-fluxcd.io/", "-argocd.argoproj.io/"},
			CertificateRequestMinimumBackoffDuration: time.Hour,
			CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
		},
		SchedulerOptions: controller.SchedulerOptions{MaxConcurrentChallenges: 60},
	}
}

func controllerCommand(ctx context.Context, arguments []string) error {
	options := defaults()
	flags := flag.NewFlagSet("certmanager controller", flag.ExitOnError)
	flags.StringVar(&options.Kubeconfig, "kubeconfig", "", "file")
	flags.StringVar(&options.HTTP01SolverImage, "solver-image", "acmesolver",
		"image of the HTTP-01 solver's container")
	flags.Func("nameserver", "address that is asked before the ACME server is",
		func(address string) error {
			options.HTTP01SolverNameservers = append(options.HTTP01SolverNameservers, address)
			return nil
		})
	flags.Parse(arguments)

	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	ended := make(chan error, len(loops))
	running := make([]controller.Interface, 0, len(loops))
	for _, name := range loops {
		loop, err := controller.Known()[name](factory)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		running = append(running, loop)
	}
	// Loops ask for their informers above; only those are started.
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	for _, loop := range running {
		go func() { ended <- loop.Run(workers, ctx) }()
	}
	for range running {
		if err := <-ended; err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func solverCommand(ctx context.Context, arguments []string) error {
	var s solver.HTTP01Solver
	flags := flag.NewFlagSet("certmanager acmesolver", flag.ExitOnError)
	flags.IntVar(&s.ListenPort, "listen-port", 8089, "port, on every address")
	flags.StringVar(&s.Domain, "domain", "", "host of the challenge")
	flags.StringVar(&s.Token, "token", "", "its token")
	flags.StringVar(&s.Key, "key", "", "the answer")
	flags.Parse(arguments)

	go func() {
		<-ctx.Done()
		s.Close()
	}()
	err := s.Listen(logs.FromContext(ctx))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func main() {
	logs.InitLogs()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx = logs.NewContext(ctx, logs.Log)

	commands := map[string]func(context.Context, []string) error{
		"controller": controllerCommand,
		"acmesolver": solverCommand,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: certmanager controller|acmesolver [FLAGS]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](ctx, os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "certmanager %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
