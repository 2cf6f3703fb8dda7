// Command bench renders charts with the real Helm and with ours, as libraries (one process that renders a chart many
// times, with different values) and as commands, and prints CPU time and peak memory beside each other. What they
// render must be equal; lines in which Helm differs from itself in a second run (random names, certificates, the clock)
// are left out, by their place, and their number is printed.
//
// Each program runs below a process of its own that starts it and nothing else: the peak memory that Linux
// reports for a program includes that of the process that started it.
//
//	bench OURS-LIBRARY OURS-COMMAND HELM-LIBRARY HELM-COMMAND [CHART...]
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type cost struct {
	CPU, Wall time.Duration
	Peak      int64
}

// run starts `bench once`, which starts the program.
func run(name string, args ...string) (cost, []byte) {
	var measured cost
	out, err := os.CreateTemp("", "fjord-bench-")
	if err != nil {
		panic(err)
	}
	out.Close()
	defer os.Remove(out.Name())
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	c := exec.Command(self, append([]string{"once", out.Name(), name}, args...)...)
	c.Stderr = os.Stderr
	report, err := c.Output()
	if err == nil {
		err = json.Unmarshal(report, &measured)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s %s: %v\n", name, strings.Join(args, " "), err)
		os.Exit(1)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		panic(err)
	}
	return measured, text
}

// once runs one program with its output in a file and prints what it cost.
func once(output, name string, args []string) error {
	out, err := os.Create(output)
	if err != nil {
		return err
	}
	var errs bytes.Buffer
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = out, &errs
	start := time.Now()
	if err := c.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, errs.String())
	}
	wall := time.Since(start)
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return json.NewEncoder(os.Stdout).Encode(cost{cpu, wall, usage.Maxrss})
}

// median runs a command several times; the outputs of all runs are one.
func median(times int, name string, args ...string) (cost, []byte) {
	var list []cost
	var out []byte
	for range times {
		c, text := run(name, args...)
		list, out = append(list, c), text
	}
	sort.Slice(list, func(i, j int) bool { return list[i].CPU < list[j].CPU })
	return list[len(list)/2], out
}

func write(root, path, text string) {
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		panic(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		panic(err)
	}
}

const helpers = `{{- define "NAME.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- define "NAME.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
`

const objects = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "NAME.fullname" . }}
  labels:
    {{- include "NAME.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    metadata:
      {{- with .Values.annotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          {{- range $name, $value := .Values.env }}
          # {{ $name }}
          {{- end }}
          env:
          {{- range $name, $value := .Values.env }}
            - name: {{ $name | upper | snakecase }}
              value: {{ tpl (toString $value) $ | quote }}
          {{- end }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "NAME.fullname" . }}
  labels: {{- include "NAME.labels" . | nindent 4 }}
spec:
  ports:
    {{- range .Values.ports }}
    - port: {{ . }}
      name: port-{{ . }}
    {{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "NAME.fullname" . }}
  annotations: {checksum: {{ toJson .Values | sha256sum }}}
data:
  run: {{ .Values.fjordRun | default 0 | quote }}
  settings.yaml: |
    {{- toYaml .Values.settings | nindent 4 }}
`

const values = `replicas: 2
image: {repository: registry.example.com/team/app, tag: ""}
annotations: {team: shop, prometheus.io/scrape: "true"}
env: {logLevel: info, releaseName: "{{ .Release.Name }}", chart: "{{ .Chart.Name }}"}
ports: [80, 443, 8080, 9090]
resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
settings: {a: {b: {c: [1, 2, 3, {d: e}]}}, words: some words of configuration that are not very long}
`

func chart(root, name, more string) {
	write(root, "Chart.yaml", "apiVersion: v2\nname: "+name+"\nversion: 1.2.3\nappVersion: 4.5.6\n"+more)
	write(root, "values.yaml", values)
	write(root, "templates/_helpers.tpl", strings.ReplaceAll(helpers, "NAME", name))
	write(root, "templates/all.yaml", strings.ReplaceAll(objects, "NAME", name))
}

// differences compares a text with what Helm wrote in two runs: how many lines differ, and how many were left out because
// Helm's own do. Where Helm does not even write the same number of lines, all are left out.
func differences(once, again, ours string) (differ, leftOut int) {
	a, b, c := strings.Split(once, "\n"), strings.Split(again, "\n"), strings.Split(ours, "\n")
	if len(a) != len(b) {
		return 0, len(a)
	}
	if len(a) != len(c) {
		return len(a), 0
	}
	for i := range a {
		switch {
		case a[i] != b[i]:
			leftOut++
		case a[i] != c[i]:
			differ++
		}
	}
	return differ, leftOut
}

// rendered lets a program print what it renders of a chart, file by file.
func rendered(program string, args ...string) map[string]string {
	_, out := run(program, args...)
	var files map[string]string
	if err := json.Unmarshal(out, &files); err != nil {
		panic(err)
	}
	return files
}

// compare compares the files that the libraries render of a chart.
func compare(ours, theirs, path string) (differ, leftOut int) {
	once, again := rendered(theirs, "bench", path, "0"), rendered(theirs, "bench", path, "0")
	files := rendered(ours, path, "0")
	if len(files) != len(once) {
		return len(once), 0
	}
	for name, text := range once {
		d, l := differences(text, again[name], files[name])
		differ, leftOut = differ+d, leftOut+l
	}
	return differ, leftOut
}

func ratio(theirs, ours float64) string { return fmt.Sprintf("%.1fx", theirs/ours) }

func main() {
	if len(os.Args) > 3 && os.Args[1] == "once" {
		if err := once(os.Args[2], os.Args[3], os.Args[4:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: bench OURS-LIBRARY OURS-COMMAND HELM-LIBRARY HELM-COMMAND [CHART...]")
		os.Exit(2)
	}
	ourLibrary, ourCommand, theirLibrary, theirCommand := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	root, err := os.MkdirTemp("", "fjord-bench-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	small, many := filepath.Join(root, "small"), filepath.Join(root, "many")
	chart(small, "small", "")
	more := "dependencies:\n"
	for i := range 30 {
		name := "sub" + strconv.Itoa(i)
		chart(filepath.Join(many, "charts", name), name, "")
		more += "- {name: " + name + ", version: 1.x.x, condition: " + name + ".enabled}\n"
	}
	chart(many, "many", more)
	charts := append([]string{small, many}, os.Args[5:]...)
	fmt.Printf("%-24s %-8s %9s %9s %8s %8s  %9s %9s %8s\n", "chart", "as", "Helm CPU", "ours CPU", "", "wall", "Helm MB", "ours MB", "")
	failed := false
	for _, path := range charts {
		name := filepath.Base(path)
		times := 1000
		if path != small {
			times = 100
		}
		// What a process costs that renders once is taken off, so that loading does not count.
		library := func(program string, args ...string) cost {
			base := append(append([]string{}, args...), path, "1")
			all := append(append([]string{}, args...), path, strconv.Itoa(times+1))
			once, _ := median(3, program, base...)
			many, _ := median(3, program, all...)
			return cost{(many.CPU - once.CPU) / time.Duration(times), (many.Wall - once.Wall) / time.Duration(times), many.Peak}
		}
		theirs, ours := library(theirLibrary, "bench"), library(ourLibrary)
		line(name, "library", theirs, ours)
		report := func(differ, leftOut int) {
			if leftOut > 0 {
				fmt.Printf("%-24s %d lines left out, in which Helm differs from itself\n", name, leftOut)
			}
			if differ > 0 {
				fmt.Printf("%-24s DIFFERENT OUTPUT: %d lines\n", name, differ)
				failed = true
			}
		}
		report(compare(ourLibrary, theirLibrary, path))
		_, once := run(theirCommand, "template", "rel", path)
		theirs, again := median(7, theirCommand, "template", "rel", path)
		ours, got := median(7, ourCommand, "template", "rel", path)
		line(name, "command", theirs, ours)
		report(differences(string(once), string(again), string(got)))
	}
	if failed {
		os.Exit(1)
	}
}

func line(name, as string, theirs, ours cost) {
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Printf("%-24s %-8s %7.2fms %7.2fms %8s %8s  %9.1f %9.1f %8s\n", name, as,
		milliseconds(theirs.CPU), milliseconds(ours.CPU), ratio(float64(theirs.CPU), float64(ours.CPU)),
		ratio(float64(theirs.Wall), float64(ours.Wall)),
		float64(theirs.Peak)/1024, float64(ours.Peak)/1024, ratio(float64(theirs.Peak), float64(ours.Peak)))
}
