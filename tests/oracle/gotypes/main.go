// Command gotypes prints what libs/apply needs to know of Kubernetes' Go types, and checks it.
//
//	go run . types                 the table in libs/apply/src/normalise/gotypes.txt
//	go run . roundtrip <in.json    one object per line, through the typed round trip and back
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: gotypes types|roundtrip"))
	}
	switch os.Args[1] {
	case "types":
		types()
	case "roundtrip":
		roundtrip()
	default:
		fail(fmt.Errorf("unknown command %q", os.Args[1]))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gotypes:", err)
	os.Exit(1)
}

// roundtrip converts each object to its Go type and back, or prints "null" where that fails.
func roundtrip() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		// Unstructured decodes numbers as int64 or float64, which plain JSON does not.
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(in.Bytes()); err != nil {
			fail(err)
		}
		out, err := convert(object)
		if err != nil {
			out = nil
		}
		line, err := json.Marshal(out)
		if err != nil {
			fail(err)
		}
		fmt.Println(string(line))
	}
	if err := in.Err(); err != nil {
		fail(err)
	}
}

func convert(object *unstructured.Unstructured) (map[string]any, error) {
	typed, err := scheme.Scheme.New(object.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if _, ok := typed.(metav1.Object); !ok {
		return nil, fmt.Errorf("no object")
	}
	converter := runtime.DefaultUnstructuredConverter
	if err := converter.FromUnstructured(object.Object, typed); err != nil {
		return nil, err
	}
	return converter.ToUnstructured(typed)
}

// The table: one line per struct, in order of its number, then one line per kind.
//
//	number field field ...      a field is name=type, with a leading ? for omitempty or omitzero
//	group/version/Kind number
//
// Types: s string, b bool, i integer, f float, y bytes, a anything, [T slice, {T map, *T pointer,
// a number for a struct, and Q I T M D R F for the types with their own JSON form.
func types() {
	object := reflect.TypeOf((*metav1.Object)(nil)).Elem()
	t := &table{numbers: map[key]int{}}
	var kinds []string
	known := scheme.Scheme.AllKnownTypes()
	for gvk := range known {
		if reflect.PointerTo(known[gvk]).Implements(object) {
			kinds = append(kinds, gvk.Group+"/"+gvk.Version+"/"+gvk.Kind)
		}
	}
	sort.Strings(kinds)
	lines := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		part := strings.Split(kind, "/")
		for gvk, goType := range known {
			if gvk.Group == part[0] && gvk.Version == part[1] && gvk.Kind == part[2] {
				lines = append(lines, fmt.Sprintf("%s %d", kind, t.root(goType)))
			}
		}
	}
	for number, line := range t.lines {
		fmt.Printf("%d%s\n", number, line)
	}
	for _, line := range lines {
		fmt.Println(line)
	}
}

type table struct {
	numbers map[key]int
	lines   []string
}

// A claim inside a StatefulSet keeps the status that a claim by itself loses.
type key struct {
	goType reflect.Type
	root   bool
}

// root is a struct whose status is of no interest: it is removed before an apply.
func (t *table) root(goType reflect.Type) int {
	return t.add(goType, true)
}

func (t *table) add(goType reflect.Type, root bool) int {
	if number, ok := t.numbers[key{goType, root}]; ok {
		return number
	}
	number := len(t.lines)
	t.numbers[key{goType, root}] = number
	t.lines = append(t.lines, "")
	t.lines[number] = t.fields(goType, root)
	return number
}

func (t *table) fields(goType reflect.Type, root bool) string {
	var out strings.Builder
	for i := 0; i < goType.NumField(); i++ {
		field := goType.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		name := tag[0]
		if name == "" && !field.Anonymous {
			name = field.Name
		}
		if name == "-" || (root && name == "status") {
			continue
		}
		if name == "" {
			out.WriteString(t.fields(field.Type, root))
			continue
		}
		mark := ""
		for _, option := range tag[1:] {
			if option == "omitempty" && field.Type.Kind() != reflect.Struct {
				mark = "?"
			}
			// omitzero keeps what omitempty drops: an empty map or list that is not nil.
			if option == "omitzero" && mark == "" {
				mark = "!"
			}
		}
		fmt.Fprintf(&out, " %s%s=%s", mark, name, t.expression(field.Type))
	}
	return out.String()
}

var special = map[string]string{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":   "Q",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString": "I",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":       "T",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":  "M",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":   "D",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":   "F",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":    "R",
}

var unmarshaler = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

func (t *table) expression(goType reflect.Type) string {
	if letter, ok := special[goType.PkgPath()+"."+goType.Name()]; ok {
		return letter
	}
	if reflect.PointerTo(goType).Implements(unmarshaler) {
		fail(fmt.Errorf("%s has a JSON form of its own that this table does not know", goType))
	}
	switch goType.Kind() {
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "i"
	case reflect.Float32, reflect.Float64:
		return "f"
	case reflect.Interface:
		return "a"
	case reflect.Pointer:
		return "*" + t.expression(goType.Elem())
	case reflect.Map:
		return "{" + t.expression(goType.Elem())
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "[" + t.expression(goType.Elem())
	case reflect.Struct:
		return fmt.Sprint(t.add(goType, false))
	}
	fail(fmt.Errorf("%s: no form for %s", goType, goType.Kind()))
	return ""
}
