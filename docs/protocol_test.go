package docs

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// rowsOf returns the rows of the table below a heading of a document, each as its cells.
func rowsOf(text, heading string) (rows [][]string) {
	_, section, _ := strings.Cut(text, "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| `") {
			rows = append(rows, strings.Split(strings.Trim(line, "| "), " | "))
		}
	}
	return rows
}

// TestProtocolNamesEveryKey: each method of lua.Keys has a row in the table of keys, and each row of that table has a method.
func TestProtocolNamesEveryKey(t *testing.T) {
	named := map[string]bool{}
	for _, row := range rowsOf(read(t, "protocol.md"), "Keys") {
		if name, ok := strings.CutPrefix(row[0], "`{weir}:"); ok {
			named[regexp.MustCompile(`^\w+`).FindString(name)] = true
		}
	}
	keys, in := reflect.ValueOf(lua.Keys("weir")), map[reflect.Type]reflect.Value{}
	for _, v := range []any{"ID", lua.Field{Bucket: "b", PerUS: 1}, []lua.Limit{{Field: lua.Field{Bucket: "b", PerUS: 1}}}} {
		in[reflect.TypeOf(v)] = reflect.ValueOf(v)
	}
	for i := range keys.NumMethod() {
		method, args := keys.Method(i), []reflect.Value{}
		for of := range method.Type().Ins() {
			arg, ok := in[of]
			if !ok {
				t.Fatalf("lua.Keys.%s has an argument of type %s: add a value of this type to the test", keys.Type().Method(i).Name, of)
			}
			args = append(args, arg)
		}
		key := method.Call(args)[0].String()
		name, ok := strings.CutPrefix(key, "{weir}:")
		if !ok {
			t.Errorf("the key %s is outside the namespace", key)
		}
		name = regexp.MustCompile(`^\w+`).FindString(name)
		t.Logf("%-10s %s", name, key)
		if !named[name] {
			t.Errorf("docs/protocol.md: there is no row for the key %s of lua.Keys.%s", key, keys.Type().Method(i).Name)
		}
		delete(named, name)
	}
	for name := range named {
		t.Errorf("docs/protocol.md: there is a row for {weir}:%s, which is no key of lua.Keys", name)
	}
}

// TestProtocolNamesEveryScript: each script has a row, which names each of its KEYS and ARGV, and each row has a script.
func TestProtocolNamesEveryScript(t *testing.T) {
	rows := map[string][]string{}
	for _, row := range rowsOf(read(t, "protocol.md"), "Scripts") {
		rows[strings.Trim(row[0], "`")] = row
	}
	sources := lua.Sources()
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		row := rows[name]
		if len(row) != 5 {
			t.Errorf("docs/protocol.md: there is no row of five cells for the script %s", name)
			continue
		}
		delete(rows, name)
		words := regexp.MustCompile(`(?m)^-- (KEYS|ARGV)\[(?:\d+|\.\.\.)\] +(\w+) `).FindAllStringSubmatch(sources[name], -1)
		if len(words) == 0 {
			t.Errorf("the script %s has no header", name)
		}
		for _, word := range words {
			cell := map[string]string{"KEYS": row[2], "ARGV": row[3]}[word[1]]
			t.Logf("%-10s %s %s", name, word[1], word[2])
			// Two scripts share the header of their first fragment: the plain script has no places, and rest is the limits, reports and asks.
			if word[2] == "rest" || name == "plain" && word[2] == "places" || name == "full" && word[1] == "ARGV" && strings.HasPrefix(cell, "the same") {
				continue
			}
			if !strings.Contains(cell, "`"+word[2]+"`") {
				t.Errorf("docs/protocol.md: the row of %s does not name %s of its %s", name, word[2], word[1])
			}
		}
	}
	for name := range rows {
		t.Errorf("docs/protocol.md: there is a row for %s, which is no script", name)
	}
}

// TestProtocolNamesTheVersions: protocol.md has the version of the records, and of the record that a replica publishes.
func TestProtocolNamesTheVersions(t *testing.T) {
	text := read(t, "protocol.md")
	for _, sentence := range []string{
		fmt.Sprintf("`lua.Version`, %d today", lua.Version), fmt.Sprintf("`limiter.RecordVersion`, %d today", limiter.RecordVersion),
	} {
		if !strings.Contains(text, sentence) {
			t.Errorf("docs/protocol.md does not say %q", sentence)
		}
	}
}
