// One program that is every part of a Kubernetes node: scheduler, kubelet and
// kube-proxy.  The first argument names the part, the rest are that part's own
// flags.  It stands beside kube/ and not in it: only the tests of an
// installation (tests/node) need it, and they are not part of "make test".
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func command(part string) *cobra.Command {
	switch part {
	case "kube-scheduler":
		return scheduler.NewSchedulerCommand()
	case "kubelet":
		return kubelet.NewKubeletCommand(context.Background())
	case "kube-proxy":
		return proxy.NewProxyCommand()
	}
	return nil
}

func main() {
	if len(os.Args) >= 2 {
		os.Args = os.Args[1:]
		if part := command(os.Args[0]); part != nil {
			os.Exit(cli.Run(part))
		}
	}
	fmt.Fprintln(os.Stderr,
		"usage: node kube-scheduler|kubelet|kube-proxy [FLAGS]")
	os.Exit(2)
}
