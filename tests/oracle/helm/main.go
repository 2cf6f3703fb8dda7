// Command helm-oracle prints what the real Helm makes of our own charts, templates and values.
//
//	helm-oracle case HELM DIR...   runs the helm command and rewrites the expectations of each case folder
//	helm-oracle lines FILE         rewrites the output or error of each line of a table of templates
//	helm-oracle serve              reads templates or values, one JSON object a line, and answers each
//	helm-oracle bench CHART N      renders a chart N times and prints time, CPU and memory as JSON; 0 prints the files
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
)

type outcome struct {
	Output string `json:"output"`
	Error  string `json:"error,omitempty"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: helm-oracle case HELM DIR... | lines FILE | serve | bench CHART N")
	}
	switch os.Args[1] {
	case "case":
		for _, dir := range os.Args[3:] {
			check(rewrite(os.Args[2], dir))
		}
	case "lines":
		check(lines(os.Args[2]))
	case "serve":
		check(serve(os.Stdin, os.Stdout))
	case "bench":
		check(bench(os.Args[2], os.Args[3]))
	default:
		log.Fatalf("unknown command %q", os.Args[1])
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// rewrite runs `helm template rel chart` with the arguments in a case's folder, one on each line of the file args.
//
// expected.yaml is what it printed, expected_stderr what it said beside that, expected_error what it said when it failed.
func rewrite(helm, dir string) error {
	arguments := []string{"template", "rel", "chart"}
	if b, err := os.ReadFile(filepath.Join(dir, "args")); err == nil {
		arguments = append(arguments, strings.Split(strings.TrimRight(string(b), "\n"), "\n")...)
	}
	here, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "helm-oracle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	var output, message bytes.Buffer
	command := exec.Command(helm, arguments...)
	command.Dir, command.Stdout, command.Stderr = dir, &output, &message
	command.Env = []string{"HOME=" + home, "KUBECONFIG=" + filepath.Join(home, "none")}
	err = command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	for _, name := range []string{"expected.yaml", "expected_stderr", "expected_error"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	write := func(name string, text []byte) error {
		if len(text) == 0 {
			return nil
		}
		// Absolute paths are this machine's.
		text = bytes.ReplaceAll(text, []byte(here+"/"), nil)
		return os.WriteFile(filepath.Join(dir, name), text, 0o644)
	}
	if exit != nil {
		return errors.Join(write("expected.yaml", output.Bytes()), write("expected_error", message.Bytes()))
	}
	// Warnings about several keys of a map come in no order.
	warnings := strings.SplitAfter(message.String(), "\n")
	slices.Sort(warnings)
	return errors.Join(write("expected.yaml", output.Bytes()), write("expected_stderr", []byte(strings.Join(warnings, ""))))
}

// lines answers each line of a table anew.
func lines(path string) error {
	in, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, line := range strings.Split(strings.TrimSpace(string(in)), "\n") {
		var row struct {
			Template string         `json:"template"`
			Values   map[string]any `json:"values,omitempty"`
			Output   *string        `json:"output,omitempty"`
			Error    *string        `json:"error,omitempty"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		q := question{Template: row.Template, Values: row.Values}
		if q.Values == nil {
			q.Values = map[string]any{}
		}
		answer := q.answer()
		row.Output, row.Error = &answer.Output, nil
		if answer.Error != "" {
			row.Output, row.Error = nil, &answer.Error
		}
		if err := encoder.Encode(row); err != nil {
			return err
		}
	}
	return os.WriteFile(path, []byte(out.String()), 0o644)
}

// fresh copies what the processing of dependencies changes: a second run on the same chart would render another one.
func fresh(c *chart.Chart) *chart.Chart {
	copied, metadata := *c, *c.Metadata
	copied.Metadata = &metadata
	metadata.Dependencies = nil
	for _, dependency := range c.Metadata.Dependencies {
		if dependency != nil {
			own := *dependency
			dependency = &own
		}
		metadata.Dependencies = append(metadata.Dependencies, dependency)
	}
	below := make([]*chart.Chart, 0, len(c.Dependencies()))
	for _, dependency := range c.Dependencies() {
		below = append(below, fresh(dependency))
	}
	copied.SetDependencies(below...)
	return &copied
}

// bench renders a chart again and again, loading it once.
func bench(dir, count string) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	log.SetOutput(io.Discard)
	var n int
	if _, err := fmt.Sscan(count, &n); err != nil {
		return err
	}
	loaded, err := loader.Load(dir)
	if err != nil {
		return err
	}
	render := func(i int) (map[string]string, error) {
		c := fresh(loaded)
		values := map[string]any{"fjordRun": i}
		if err := chartutil.ProcessDependencies(c, values); err != nil {
			return nil, err
		}
		options := common.ReleaseOptions{Name: "rel", Namespace: "default", Revision: 1, IsInstall: true}
		top, err := util.ToRenderValuesWithSchemaValidation(c, values, options, common.DefaultCapabilities, false)
		if err != nil {
			return nil, err
		}
		return engine.Render(c, top)
	}
	if n == 0 {
		files, err := render(0)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(files)
	}
	start := time.Now()
	var bytes int
	for i := range n {
		files, err := render(i)
		if err != nil {
			return err
		}
		for _, text := range files {
			bytes += len(text)
		}
	}
	wall := time.Since(start)
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	runtime.KeepAlive(loaded)
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"wall": wall.Seconds(), "cpu": cpu.Seconds(), "peak": usage.Maxrss, "bytes": bytes})
}
