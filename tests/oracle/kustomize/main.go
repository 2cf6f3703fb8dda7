// Command kustomize-oracle prints what the real kustomize makes of our own cases.
//
//	kustomize-oracle build [-load-restrictor=none] [-reorder=legacy] [-managed-by] DIR
//	kustomize-oracle case DIR...     rewrites expected.yaml or expected_error of each case folder
//	kustomize-oracle schema          prints the strategic-merge table of the built-in schema
//	kustomize-oracle serve           reads folders, one a line, and prints each outcome as JSON
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// address matches what some messages print of Go's memory.
var address = regexp.MustCompile("0x[0-9a-f]{6,}")

type settings struct {
	LoadRestrictor string `json:"loadRestrictor"`
	Reorder        string `json:"reorder"`
	ManagedBy      bool   `json:"managedBy"`
	Path           string `json:"path"`
}

type outcome struct {
	Output string `json:"output"`
	Error  string `json:"error,omitempty"`
}

// namesSchema says whether builds may set a schema: the next one must not see it, and without one the
// parsed built-in schema, which takes most of a build's time, can stay.
var namesSchema = true

func build(dir string, s settings) (out outcome) {
	// Flux turns a panic of kustomize into an error, and so do the cases.
	defer func() {
		if r := recover(); r != nil {
			out = outcome{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	if namesSchema {
		openapi.ResetOpenAPI()
	}
	options := krusty.MakeDefaultOptions()
	if s.LoadRestrictor == "none" {
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	options.Reorder = krusty.ReorderOptionNone
	if s.Reorder == "legacy" {
		options.Reorder = krusty.ReorderOptionLegacy
	}
	options.AddManagedbyLabel = s.ManagedBy
	m, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(dir, s.Path))
	if err != nil {
		return outcome{Error: err.Error()}
	}
	y, err := m.AsYaml()
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return outcome{Output: string(y)}
}

func rewrite(dir string) error {
	var s settings
	if b, err := os.ReadFile(filepath.Join(dir, "case.json")); err == nil {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	input, err := filepath.Abs(filepath.Join(dir, "input"))
	if err != nil {
		return err
	}
	out := build(input, s)
	good, bad := filepath.Join(dir, "expected.yaml"), filepath.Join(dir, "expected_error")
	os.Remove(good)
	os.Remove(bad)
	if out.Error != "" {
		text := strings.ReplaceAll(out.Error, input, "INPUT")
		text = address.ReplaceAllString(text, "0xADDRESS")
		return os.WriteFile(bad, []byte(strings.TrimRight(text, "\n")+"\n"), 0o644)
	}
	return os.WriteFile(good, []byte(out.Output), 0o644)
}

func serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	w := bufio.NewWriter(out)
	for lines.Scan() {
		before := namesSchema
		namesSchema = mentions(filepath.Dir(lines.Text()), "openapi")
		if before && !namesSchema {
			openapi.ResetOpenAPI()
		}
		b, err := json.Marshal(build(lines.Text(), settings{LoadRestrictor: "none"}))
		if err != nil {
			return err
		}
		w.Write(append(b, '\n'))
		w.Flush()
	}
	return lines.Err()
}

// mentions says whether a file below dir holds a word.
func mentions(dir, word string) bool {
	found := false
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !found {
			b, _ := os.ReadFile(path)
			found = strings.Contains(string(b), word)
		}
		return nil
	})
	return found
}

func main() {
	log.SetFlags(0)
	log.SetOutput(io.Discard)
	var s settings
	flags := flag.NewFlagSet("build", flag.ExitOnError)
	flags.StringVar(&s.LoadRestrictor, "load-restrictor", "root-only", "root-only or none")
	flags.StringVar(&s.Reorder, "reorder", "none", "none or legacy")
	flags.BoolVar(&s.ManagedBy, "managed-by", false, "add the managed-by label")
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: kustomize-oracle build|case|schema|serve ...")
		os.Exit(2)
	}
	switch os.Args[1] {
	case "build":
		flags.Parse(os.Args[2:])
		out := build(flags.Arg(0), s)
		if out.Error != "" {
			fmt.Fprintln(os.Stderr, "Error:", out.Error)
			os.Exit(1)
		}
		fmt.Print(out.Output)
	case "case":
		for _, dir := range os.Args[2:] {
			if err := rewrite(dir); err != nil {
				fmt.Fprintln(os.Stderr, dir, err)
				os.Exit(1)
			}
		}
	case "schema":
		schema(os.Stdout)
	case "serve":
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// schema prints, for each type from which a merged list can be reached, the fields that lead there:
//
//	= <definition> [<apiVersion>,<kind>]...
//	 <field> o <definition>              an object
//	 <field> l <definition>              a list that is replaced, of objects
//	 <field> m <keys|-> <definition|->   a list that is merged
//	 * o <definition>                    the values of a map
func schema(w io.Writer) {
	definitions := openapi.Schema().Definitions
	name := func(s *spec.Schema) string {
		return strings.TrimPrefix(s.Ref.String(), "#/definitions/")
	}
	strategy := func(s spec.Schema) (bool, string) {
		if len(s.Type) != 1 || s.Type[0] != "array" {
			return false, ""
		}
		rs := openapi.ResourceSchema{Schema: &s}
		st, keys := rs.PatchStrategyAndKeyList()
		for _, one := range strings.Split(st, ",") {
			if one == "merge" {
				return true, strings.Join(keys, ",")
			}
		}
		return false, ""
	}
	reaches := map[string]bool{}
	target := func(s spec.Schema) string {
		switch {
		case name(&s) != "":
			return name(&s)
		case s.Items != nil && s.Items.Schema != nil:
			return name(s.Items.Schema)
		case s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil:
			return name(s.AdditionalProperties.Schema)
		}
		return ""
	}
	for changed := true; changed; {
		changed = false
		for n, d := range definitions {
			if reaches[n] {
				continue
			}
			for _, p := range d.Properties {
				if merges, _ := strategy(p); merges || reaches[target(p)] {
					reaches[n], changed = true, true
				}
			}
		}
	}
	var names []string
	for n := range reaches {
		if reaches[n] {
			names = append(names, n)
		}
	}
	// Kinds of the schema without a merged list: their lists are replaced and nothing inside is looked up.
	for n, d := range definitions {
		if _, ok := d.Extensions["x-kubernetes-group-version-kind"]; ok && !reaches[n] {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	short := func(n string) string {
		n = strings.TrimPrefix(n, "io.k8s.")
		return n
	}
	for _, n := range names {
		d := definitions[n]
		fmt.Fprint(w, "= ", short(n))
		if gvks, ok := d.Extensions["x-kubernetes-group-version-kind"].([]interface{}); ok {
			for _, g := range gvks {
				m := g.(map[string]interface{})
				av := m["version"].(string)
				if group, _ := m["group"].(string); group != "" {
					av = group + "/" + av
				}
				fmt.Fprintf(w, " %s,%s", av, m["kind"])
			}
		}
		fmt.Fprintln(w)
		var fields []string
		for f := range d.Properties {
			fields = append(fields, f)
		}
		sort.Strings(fields)
		for _, f := range fields {
			p := d.Properties[f]
			to := target(p)
			known := "-"
			if reaches[to] {
				known = short(to)
			}
			if merges, keys := strategy(p); merges {
				if keys == "" {
					keys = "-"
				}
				fmt.Fprintf(w, " %s m %s %s\n", f, keys, known)
				continue
			}
			if known == "-" {
				continue
			}
			kind := "o"
			if p.Items != nil {
				kind = "l"
			} else if name(&p) == "" {
				kind = "x"
			}
			fmt.Fprintf(w, " %s %s %s\n", f, kind, known)
		}
	}
}
