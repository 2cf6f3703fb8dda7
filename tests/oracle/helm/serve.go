package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/getter"
)

// question is a template with the values it sees, or charts within charts with values to be merged.
type question struct {
	Template string         `json:"template"`
	Values   map[string]any `json:"values"`
	// Typed says that whole numbers among the values are integers, as those of --set are; else all are floats.
	Typed bool    `json:"typed,omitempty"`
	Merge *merged `json:"merge,omitempty"`
}

// merged is a chart and what a user gives it: values files, and expressions by their flag.
type merged struct {
	Root     nested   `json:"root"`
	Files    []string `json:"files"`
	JSON     []string `json:"json"`
	Typed    []string `json:"typed"`
	Strings  []string `json:"strings"`
	Contents []string `json:"contents"`
	Literal  []string `json:"literals"`
}

type nested struct {
	Metadata chart.Metadata    `json:"metadata"`
	Defaults map[string]any    `json:"defaults"`
	Children map[string]nested `json:"children"`
}

const helpers = `{{- define "t.name" -}}{{ .Chart.Name }}-{{ .Release.Name }}{{- end -}}
{{- define "t.dot" -}}[{{ . }}]{{- end -}}
{{- define "t.yaml" -}}
a: 1
b: [x, y]
{{- end -}}
{{- define "t.rec" -}}{{ if gt (int .) 0 }}{{ . }},{{ include "t.rec" (sub (int .) 1) }}{{ end }}{{- end -}}
`

func (q question) answer() (out outcome) {
	defer func() {
		if r := recover(); r != nil {
			out = outcome{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	if q.Merge != nil {
		return q.Merge.answer()
	}
	c := &chart.Chart{
		Metadata: &chart.Metadata{Name: "t", Version: "1.2.3", AppVersion: "4.5", APIVersion: "v2", Description: "A chart", Type: "application", Keywords: []string{"a", "b"}, Annotations: map[string]string{"k": "v"}, KubeVersion: ">=1.20.0-0", Maintainers: []*chart.Maintainer{{Name: "Ann", Email: "ann@example.com"}}},
		Templates: []*common.File{
			{Name: "templates/t.yaml", Data: []byte(q.Template)},
			{Name: "templates/_helpers.tpl", Data: []byte(helpers)},
		},
		Files: []*common.File{
			{Name: "config/a.txt", Data: []byte("alpha\n")},
			{Name: "config/b.yaml", Data: []byte("b: 1\nc: [x]\n")},
			{Name: "config/sub/c.txt", Data: []byte("line1\nline2\n")},
			{Name: "bin.dat", Data: []byte{0, 1, 2, 250, 255}},
			{Name: "empty.txt", Data: []byte{}},
			{Name: "uni.txt", Data: []byte("héllo ✓ \"q\" <&>\n")},
			{Name: "nonl.txt", Data: []byte("no newline")},
		},
	}
	values := common.Values{
		"Values":       common.Values(q.Values),
		"Chart":        c.Metadata,
		"Release":      map[string]any{"Name": "rel", "Namespace": "ns", "Revision": 1, "Service": "Helm", "IsInstall": true, "IsUpgrade": false},
		"Capabilities": common.DefaultCapabilities,
	}
	files, err := engine.Render(c, values)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return outcome{Output: files["t/templates/t.yaml"]}
}

func (n nested) chart() *chart.Chart {
	c := &chart.Chart{Metadata: &n.Metadata, Values: n.Defaults}
	if c.Values == nil {
		c.Values = map[string]any{}
	}
	for _, name := range slices.Sorted(maps.Keys(n.Children)) {
		c.AddDependency(n.Children[name].chart())
	}
	return c
}

// answer gives the merged values, with the types of their numbers, and the charts that take part.
func (m merged) answer() outcome {
	folder, err := os.MkdirTemp("", "helm-oracle-")
	if err != nil {
		return outcome{Error: err.Error()}
	}
	defer os.RemoveAll(folder)
	fail := func(err error) outcome {
		return outcome{Error: strings.ReplaceAll(err.Error(), folder+"/", "")}
	}
	options := values.Options{JSONValues: m.JSON, Values: m.Typed, StringValues: m.Strings, LiteralValues: m.Literal}
	for i, text := range m.Files {
		path := filepath.Join(folder, strconv.Itoa(i)+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fail(err)
		}
		options.ValueFiles = append(options.ValueFiles, path)
	}
	for _, expression := range m.Contents {
		// The content of a file is read from the first values file.
		options.FileValues = append(options.FileValues, strings.ReplaceAll(expression, "FILE", filepath.Join(folder, "0.yaml")))
	}
	given, err := options.MergeValues(getter.Providers{})
	if err != nil {
		return fail(err)
	}
	c := m.Root.chart()
	if err := chartutil.ProcessDependencies(c, given); err != nil {
		return fail(err)
	}
	all, err := util.CoalesceValues(c, given)
	if err != nil {
		return fail(err)
	}
	b, err := json.Marshal(map[string]any{"values": typed(map[string]any(all)), "charts": tree(c)})
	if err != nil {
		return fail(err)
	}
	return outcome{Output: string(b)}
}

func tree(c *chart.Chart) map[string]any {
	below := map[string]any{}
	for _, child := range c.Dependencies() {
		below[child.Name()] = tree(child)
	}
	return below
}

// typed writes the types of numbers beside them.
func typed(value any) any {
	switch value := value.(type) {
	case common.Values:
		return typed(map[string]any(value))
	case map[string]any:
		out := map[string]any{}
		for key, below := range value {
			out[key] = typed(below)
		}
		return out
	case []any:
		out := []any{}
		for _, below := range value {
			out = append(out, typed(below))
		}
		return out
	case float64:
		return "float64 " + strconv.FormatFloat(value, 'f', -1, 64)
	case int64:
		return "int64 " + strconv.FormatInt(value, 10)
	default:
		return value
	}
}

// numbers gives the numbers of a decoded JSON tree their types.
func numbers(value any, whole bool) any {
	switch value := value.(type) {
	case map[string]any:
		for key, below := range value {
			value[key] = numbers(below, whole)
		}
	case []any:
		for i, below := range value {
			value[i] = numbers(below, whole)
		}
	case json.Number:
		if n, err := value.Int64(); err == nil && whole {
			return n
		}
		n, _ := value.Float64()
		return n
	}
	return value
}

// floats gives all numbers of charts the type that those of files have.
func (n nested) floats() {
	numbers(n.Defaults, false)
	for _, child := range n.Children {
		child.floats()
	}
}

// What a question may take: processor time and resident memory of the process.
const (
	patience = 10 * time.Second
	memory   = 3 << 30
)

// watch ends the process where a question takes too much, which then counts as one on which Go crashed: a value that
// holds itself is printed without end, and a text can be repeated until there is no memory left for anyone.
func watch(asked *atomic.Int64) {
	for range time.Tick(50 * time.Millisecond) {
		var pages, resident int64
		if b, err := os.ReadFile("/proc/self/statm"); err == nil {
			fmt.Sscan(string(b), &pages, &resident)
		}
		began := asked.Load()
		if resident*int64(os.Getpagesize()) > memory || began > 0 && used()-began > int64(patience) {
			os.Exit(3)
		}
	}
}

// used gives the processor time that the process has taken.
func used() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func serve(in io.Reader, to io.Writer) error {
	var asked atomic.Int64
	go watch(&asked)
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	log.SetOutput(io.Discard)
	// Where a value holds itself, to fill a whole gigabyte of stack takes seconds, and so does to tell of it.
	debug.SetMaxStack(256 << 20)
	debug.SetTraceback("none")
	debug.SetGCPercent(400)
	reader := bufio.NewReaderSize(in, 1<<20)
	out := bufio.NewWriterSize(to, 1<<20)
	encoder := json.NewEncoder(out)
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return out.Flush()
		} else if err != nil {
			return err
		}
		asked.Store(used())
		var q question
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&q); err != nil {
			return err
		}
		if q.Values == nil {
			q.Values = map[string]any{}
		}
		numbers(q.Values, q.Typed)
		if q.Merge != nil {
			q.Merge.Root.floats()
		}
		if err := encoder.Encode(q.answer()); err != nil {
			return err
		}
		asked.Store(0)
		// An answer must not be lost to a later question that ends the process.
		if err := out.Flush(); err != nil {
			return err
		}
	}
}
