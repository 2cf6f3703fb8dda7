// Command bench builds generated trees with the real kustomize and with ours, one process each, and
// prints the ratios of wall time, CPU time and peak memory. The outputs must be equal.
//
//	bench OURS KUSTOMIZE [RUNS]
package main

import (
	"bytes"
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
	wall, cpu time.Duration
	rss       int64
}

func run(name string, args ...string) (cost, []byte, error) {
	var out, errs bytes.Buffer
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = &out, &errs
	start := time.Now()
	if err := c.Run(); err != nil {
		return cost{}, nil, fmt.Errorf("%s: %w: %s", name, err, errs.String())
	}
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return cost{time.Since(start), cpu, usage.Maxrss}, out.Bytes(), nil
}

func median(list []cost) cost {
	sort.Slice(list, func(i, j int) bool { return list[i].cpu < list[j].cpu })
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
	ours, theirs, runs := os.Args[1], os.Args[2], 3
	if len(os.Args) > 3 {
		runs, _ = strconv.Atoi(os.Args[3])
	}
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
		fmt.Printf("%-28s %10s %10s %7.1fx %10s %10s %7.1fx %9s %9s %7.0f%%\n", s.name,
			ms(us.wall), ms(them.wall), float64(them.wall)/float64(us.wall),
			ms(us.cpu), ms(them.cpu), float64(them.cpu)/float64(us.cpu),
			mb(us.rss), mb(them.rss), 100*float64(us.rss)/float64(them.rss))
	}
}
