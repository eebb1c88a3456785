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

// TestHeadersMatchCode holds the header of each script, as it is composed, and its first lines together: every KEYS and ARGV that the
// header names is bound to a local of that name, in that order, and nothing below indexes them again.
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
				t.Fatal("the header names no KEYS and ARGV")
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
				t.Errorf("header names %v\nfirst lines bind %v", named, bound)
			}
			for _, line := range code[body:] {
				if use.MatchString(line) {
					t.Errorf("indexes its arguments below the first lines: %s", line)
				}
			}
			if !strings.Contains(strings.Join(header, ""), "-- Reply: ") {
				t.Error("the header does not say what the script replies")
			}
		})
	}
}
