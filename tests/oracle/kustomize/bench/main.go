// Command bench builds generated trees with the real kustomize and with ours, one process each, and
// prints the ratios of wall time, CPU time and peak memory. The outputs must be equal.
//
//	bench [-runs N] [-rows EXPRESSION] [-svg FILE] OURS KUSTOMIZE
//
// Each program runs below a process of its own that starts it and nothing else: the peak memory that Linux
// reports for a program includes that of the process that started it.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type cost struct {
	Wall, CPU time.Duration
	RSS       int64
}

// run starts `bench once`, which starts the program.
func run(name string, args ...string) (cost, []byte, error) {
	var measured cost
	out, err := os.CreateTemp("", "fjord-bench-")
	if err != nil {
		return measured, nil, err
	}
	out.Close()
	defer os.Remove(out.Name())
	self, err := os.Executable()
	if err != nil {
		return measured, nil, err
	}
	report, err := exec.Command(self, append([]string{"once", out.Name(), name}, args...)...).Output()
	if err != nil {
		return measured, nil, fmt.Errorf("%s: %w: %s", name, err, report)
	}
	if err := json.Unmarshal(report, &measured); err != nil {
		return measured, nil, err
	}
	text, err := os.ReadFile(out.Name())
	return measured, text, err
}

// once runs one program with its output in a file and prints what it cost.
func once(output, name string, args []string) error {
	out, err := os.Create(output)
	if err != nil {
		return err
	}
	c := exec.Command(name, args...)
	c.Stdout = out
	start := time.Now()
	if err := c.Run(); err != nil {
		return err
	}
	wall := time.Since(start)
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return json.NewEncoder(os.Stdout).Encode(cost{wall, cpu, usage.Maxrss})
}

// row is a line of the chart: how many times less processor time, and our share of the memory.
type row struct {
	name          string
	ratio, memory float64
}

// chart draws the ratios of processor time as bars on a logarithmic scale.
func chart(rows []row) string {
	var b strings.Builder
	height := 70 + 34*len(rows)
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"%d\" font-family=\"sans-serif\" font-size=\"13\">\n", height)
	b.WriteString("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n")
	b.WriteString("<text x=\"12\" y=\"24\" font-size=\"15\">Processor time of kustomize 5.8.1 as a multiple of ours (logarithmic)</text>\n")
	width := func(ratio float64) float64 { return 130 * math.Log10(math.Max(ratio, 1)) }
	for _, mark := range []float64{1, 10, 100, 1000} {
		x := 230 + width(mark)
		fmt.Fprintf(&b, "<line x1=\"%.0f\" y1=\"40\" x2=\"%.0f\" y2=\"%d\" stroke=\"#ddd\"/>\n", x, x, height-24)
		fmt.Fprintf(&b, "<text x=\"%.0f\" y=\"%d\" text-anchor=\"middle\" fill=\"#777\">%.0fx</text>\n", x, height-8, mark)
	}
	for i, r := range rows {
		y := 48 + 34*i
		fmt.Fprintf(&b, "<text x=\"220\" y=\"%d\" text-anchor=\"end\">%s</text>\n", y+15, r.name)
		fmt.Fprintf(&b, "<rect x=\"230\" y=\"%d\" width=\"%.0f\" height=\"20\" fill=\"#3b7dd8\"/>\n", y, width(r.ratio))
		fmt.Fprintf(&b, "<text x=\"%.0f\" y=\"%d\">%.0fx, %.0f %% of the memory</text>\n", 236+width(r.ratio), y+15, r.ratio, r.memory)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func median(list []cost) cost {
	sort.Slice(list, func(i, j int) bool { return list[i].CPU < list[j].CPU })
	return list[len(list)/2]
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

func app(i int) string {
	return strings.ReplaceAll(`apiVersion: apps/v1
kind: Deployment
metadata: {name: app-N, labels: {app: app-N}}
spec:
  replicas: 2
  selector: {matchLabels: {app: app-N}}
  template:
    metadata: {labels: {app: app-N}}
    spec:
      serviceAccountName: app-N
      containers:
      - name: main
        image: registry.example.com/team/app:v1
        ports: [{containerPort: 8080, name: http}]
        envFrom: [{configMapRef: {name: settings}}]
        env: [{name: A, value: "1"}, {name: B, valueFrom: {secretKeyRef: {name: keys, key: k}}}]
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: app-N}
spec: {selector: {app: app-N}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app-N}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app-N}
data: {mode: "on", text: "some words of configuration that are not very long"}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app-N}
spec: {rules: [{host: app-N.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app-N, port: {number: 80}}}}]}}]}
`, "N", strconv.Itoa(i))
}

const overlay = `namespace: prod
namePrefix: p-
commonLabels: {team: x}
commonAnnotations: {note: why}
images: [{name: registry.example.com/team/app, newTag: v2}]
configMapGenerator: [{name: settings, literals: [a=b]}]
secretGenerator: [{name: keys, literals: [k=v]}]
`

func objects(root string, apps int) {
	var all []string
	for i := 0; i < apps; i++ {
		all = append(all, app(i))
	}
	write(root, "base/all.yaml", strings.Join(all, "---\n"))
	write(root, "base/kustomization.yaml", "resources: [all.yaml]\n")
	patches := "patches:\n"
	for i := 0; i < 10 && i < apps; i++ {
		patches += fmt.Sprintf("- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: app-%d}\n    spec: {replicas: 5}\n", i)
	}
	write(root, "kustomization.yaml", "resources: [base]\n"+overlay+patches)
}

func main() {
	if len(os.Args) > 3 && os.Args[1] == "once" {
		if err := once(os.Args[2], os.Args[3], os.Args[4:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	count := flag.Int("runs", 3, "how often each program runs; the large ones run once")
	only := flag.String("rows", "", "only the rows whose name this expression matches")
	svg := flag.String("svg", "", "where to draw the chart")
	flag.Parse()
	wanted := regexp.MustCompile(*only)
	ours, theirs, runs := flag.Arg(0), flag.Arg(1), *count
	var rows []row
	root, err := os.MkdirTemp("", "fjord-bench-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	scenarios := []struct {
		name string
		make func(dir string)
		runs int
	}{
		{"one app, one overlay", func(d string) { objects(d, 1) }, 2 * runs},
		{"100 apps of 5 objects", func(d string) {
			list := []string{}
			for i := 0; i < 100; i++ {
				name := fmt.Sprintf("app-%d", i)
				write(d, name+"/all.yaml", app(i))
				write(d, name+"/kustomization.yaml", "resources: [all.yaml]\nlabels: [{pairs: {a: b}}]\n")
				list = append(list, name)
			}
			write(d, "kustomization.yaml", "resources: ["+strings.Join(list, ", ")+"]\n"+overlay)
		}, runs},
		{"overlay over 1,000 objects", func(d string) { objects(d, 200) }, runs},
		{"overlay over 2,000 objects", func(d string) { objects(d, 400) }, 1},
		{"overlay over 4,000 objects", func(d string) { objects(d, 800) }, 1},
		{"300 replacements", func(d string) {
			objects(d, 60)
			text := "replacements:\n"
			for i := 0; i < 300; i++ {
				text += fmt.Sprintf("- source: {kind: Service, name: app-%d, fieldPath: metadata.name}\n  targets: [{select: {kind: Deployment, name: app-%d}, fieldPaths: [\"spec.template.spec.containers.[name=main].env.[name=A].value\"]}]\n", i%60, (i+7)%60)
			}
			write(d, "kustomization.yaml", "resources: [base]\n"+text)
		}, runs},
		{"CRD bundle of 5 MB", func(d string) {
			field := ""
			for i := 0; i < 400; i++ {
				field += fmt.Sprintf("                  field%d: {type: string, description: \"A sentence about the field that is long enough to be folded by the emitter somewhere.\"}\n", i)
			}
			all := []string{}
			for i := 0; i < 90; i++ {
				all = append(all, fmt.Sprintf("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: w%d.example.com}\nspec:\n  group: example.com\n  names: {kind: W%d, plural: w%d}\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            properties:\n              nested:\n                type: object\n                properties:\n%s", i, i, i, field))
			}
			write(d, "crds.yaml", strings.Join(all, "---\n"))
			write(d, "kustomization.yaml", "resources: [crds.yaml]\nlabels: [{pairs: {a: b}}]\n")
		}, runs},
		{"50 nested bases", func(d string) {
			write(d, "l0/all.yaml", app(0))
			write(d, "l0/kustomization.yaml", "resources: [all.yaml]\n")
			for i := 1; i < 50; i++ {
				write(d, fmt.Sprintf("l%d/kustomization.yaml", i), fmt.Sprintf("resources: [../l%d]\nlabels: [{pairs: {l%d: x}}]\n", i-1, i))
			}
			write(d, "kustomization.yaml", "resources: [l49]\n")
		}, runs},
	}
	fmt.Printf("%-28s %10s %10s %8s %10s %10s %8s %9s %9s %8s\n", "", "wall", "kustomize", "ratio", "cpu", "kustomize", "ratio", "memory", "kustomize", "share")
	for i, s := range scenarios {
		if !wanted.MatchString(s.name) {
			continue
		}
		dir := filepath.Join(root, strconv.Itoa(i))
		s.make(dir)
		var a, b []cost
		for n := 0; n < s.runs; n++ {
			us, mine, err := run(ours, dir)
			if err != nil {
				fmt.Println(s.name, err)
				os.Exit(1)
			}
			them, real, err := run(theirs, "build", "--reorder", "none", dir)
			if err != nil {
				fmt.Println(s.name, err)
				os.Exit(1)
			}
			if !bytes.Equal(mine, real) {
				fmt.Println(s.name, "the outputs differ")
				os.Exit(1)
			}
			a, b = append(a, us), append(b, them)
		}
		us, them := median(a), median(b)
		ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
		mb := func(k int64) string { return fmt.Sprintf("%.1f MB", float64(k)/1024) }
		rows = append(rows, row{s.name, float64(them.CPU) / float64(us.CPU), 100 * float64(us.RSS) / float64(them.RSS)})
		fmt.Printf("%-28s %10s %10s %7.1fx %10s %10s %7.1fx %9s %9s %7.0f%%\n", s.name,
			ms(us.Wall), ms(them.Wall), float64(them.Wall)/float64(us.Wall),
			ms(us.CPU), ms(them.CPU), float64(them.CPU)/float64(us.CPU),
			mb(us.RSS), mb(them.RSS), 100*float64(us.RSS)/float64(them.RSS))
	}
	if *svg != "" {
		if err := os.WriteFile(*svg, []byte(chart(rows)), 0o644); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}
