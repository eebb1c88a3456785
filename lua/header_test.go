package lua_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/weir-go/weir/lua"
)

var (
	headerLine = regexp.MustCompile(`(?m)^-- (KEYS|ARGV)\[(\d+|\.\.\.)\]\s+(\w+)\s`)
	use        = regexp.MustCompile(`(KEYS|ARGV)\[(\d+)\]`)
)

// TestHeadersMatchCode compares the header of each composed script with its first lines. The first lines bind every KEYS and ARGV of
// the header to a local of the same name, in the same order. No later line indexes KEYS or ARGV.
func TestHeadersMatchCode(t *testing.T) {
	for name, text := range lua.Sources() {
		t.Run(name, func(t *testing.T) {
			var header, code []string
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "--") && len(code) == 0 {
					header = append(header, line)
				} else if strings.TrimSpace(line) != "" {
					code = append(code, line)
				}
			}
			var named []string
			for _, m := range headerLine.FindAllStringSubmatch(strings.Join(header, ""), -1) {
				if m[2] != "..." {
					named = append(named, m[1]+"["+m[2]+"]="+m[3])
				}
			}
			if len(named) == 0 {
				t.Fatal("the header names no KEYS or ARGV")
			}
			var bound []string
			body := len(code)
			for i, line := range code {
				names, values, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "local "), " = ")
				refs := use.FindAllString(values, -1)
				if !ok || len(refs) == 0 || !strings.HasPrefix(line, "local ") {
					body = i
					break
				}
				for k, ref := range refs {
					bound = append(bound, ref+"="+strings.TrimSpace(strings.Split(names, ",")[k]))
				}
			}
			if !slices.Equal(named, bound) {
				t.Errorf("the header names %v\nthe first lines bind %v", named, bound)
			}
			for _, line := range code[body:] {
				if use.MatchString(line) {
					t.Errorf("a line below the first lines indexes KEYS or ARGV: %s", line)
				}
			}
			if !strings.Contains(strings.Join(header, ""), "-- Reply: ") {
				t.Error("the header has no line \"-- Reply: \"")
			}
		})
	}
}
