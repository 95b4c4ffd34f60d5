// What Helm makes of a chart: its own loader, schema check and engine, without
// its client.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// Of the cluster that the chart is for; the build sets it.
var kubeVersion string

const usage = "usage: helm CHART RELEASE NAMESPACE [VALUES-FILE...]"

// Prints the objects, and the notes as a comment behind them.
func render(args []string) error {
	chart, err := loader.Load(args[0])
	if err != nil {
		return err
	}
	if err := chart.Validate(); err != nil {
		return err
	}
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return err
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = *version
	if !chartutil.IsCompatibleRange(chart.Metadata.KubeVersion,
		kubeVersion) {
		return fmt.Errorf("kubeVersion %q excludes %s",
			chart.Metadata.KubeVersion, kubeVersion)
	}
	given := map[string]interface{}{}
	for _, file := range args[3:] {
		values, err := chartutil.ReadValuesFile(file)
		if err != nil {
			return err
		}
		given = chartutil.CoalesceTables(values, given)
	}
	options := chartutil.ReleaseOptions{Name: args[1], Namespace: args[2],
		Revision: 1, IsInstall: true}
	values, err := chartutil.ToRenderValues(chart, given, options, caps)
	if err != nil {
		return err
	}
	strict := engine.Engine{Strict: true}
	files, err := strict.Render(chart, values)
	if err != nil {
		return err
	}
	print(files)
	return nil
}

func print(files map[string]string) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if strings.HasSuffix(name, ".txt") {
			for _, line := range strings.Split(files[name], "\n") {
				fmt.Println("# NOTES: " + line)
			}
		} else if strings.TrimSpace(files[name]) != "" {
			fmt.Printf("---\n# %s\n%s\n", name, files[name])
		}
	}
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := render(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "helm:", err)
		os.Exit(1)
	}
}
