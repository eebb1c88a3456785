package page

import (
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := files.ReadFile("assets/" + name)
	must(t, err)
	return string(b)
}

// TestPageIsSmall bounds the size of all files of the page together.
func TestPageIsSmall(t *testing.T) {
	total := 0
	must(t, fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			content, err := files.ReadFile(path)
			total += len(content)
			return err
		}
		return err
	}))
	t.Logf("%d bytes", total)
	if total > 48<<10 {
		t.Errorf("%d bytes, want at most 48 KiB", total)
	}
}

// TestTextsStayTexts checks that the page never turns text into elements or code, and has no inline scripts or styles.
func TestTextsStayTexts(t *testing.T) {
	if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("(style|on)|DOMParser|srcdoc|https?://[a-z]`).FindString(
		strings.ReplaceAll(text(t, "page.js"), "http://www.w3.org/2000/svg", "")); found != "" {
		t.Errorf("page.js has %s", found)
	}
	if found := regexp.MustCompile(`(?i)\son[a-z]+=|\sstyle=|<style|<script(>|[^>]*[^>]>[^<])|javascript:`).FindString(text(t, "index.html")); found != "" {
		t.Errorf("index.html has %q", found)
	}
}

// TestFirstRenderHasPlaceholders checks that the HTML has the configured names, escaped, and placeholder rows.
func TestFirstRenderHasPlaceholders(t *testing.T) {
	assets, err := load(`a"<b>`, "redis.example:6379")
	must(t, err)
	out := httptest.NewRecorder()
	assets["/{$}"].ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	html := out.Body.String()
	if strings.Contains(html, "<b>`") || !strings.Contains(html, "a&#34;&lt;b&gt;") || !strings.Contains(html, "redis.example:6379") || strings.Count(html, `class="ghost"`) < 6 {
		t.Error(html)
	}
}

// TestContrast computes WCAG's contrast of each colour and its background, in both schemes. It must be 4.5 for texts and 3 for drawings.
func TestContrast(t *testing.T) {
	css := text(t, "page.css")
	light, dark, _ := strings.Cut(css, "prefers-color-scheme: dark")
	schemes := map[string]map[string]string{"light": colours(light), "dark": colours(dark)}
	dim, err := strconv.ParseFloat(regexp.MustCompile(`--dim: ([.\d]+)`).FindStringSubmatch(css)[1], 64)
	must(t, err)
	for scheme, of := range schemes {
		if len(of) != len(schemes["light"]) {
			t.Errorf("%s has %d colours of %d", scheme, len(of), len(schemes["light"]))
		}
		for pair := range strings.FieldsSeq(`
			text/page text/panel text/raised soft/panel soft/raised soft/page bad/panel bad/raised bad/bad-back warn/panel warn/raised warn/warn-back
			good/good-back used/panel used/raised alarm-text/alarm focus/panel`) {
			name, back, _ := strings.Cut(pair, "/")
			if c := contrast(rgb(t, of[name]), rgb(t, of[back])); c < 4.5 {
				t.Errorf("%s: %s is a contrast of %.2f", scheme, pair, c)
			}
		}
		for pair := range strings.FieldsSeq("control/panel control/page used/panel used/area budget/panel bad/panel bad/area focus/page focus/raised") {
			name, back, _ := strings.Cut(pair, "/")
			if c := contrast(rgb(t, of[name]), rgb(t, of[back])); c < 3 {
				t.Errorf("%s: %s is a contrast of %.2f", scheme, pair, c)
			}
		}
		// Old data is dimmed, and must stay readable.
		page := rgb(t, of["page"])
		for _, name := range []string{"text", "bad", "warn"} {
			if c := contrast(mix(rgb(t, of[name]), page, dim), mix(rgb(t, of["panel"]), page, dim)); c < 4.5 {
				t.Errorf("%s: %s of old data is a contrast of %.2f", scheme, name, c)
			}
		}
	}
	if used := regexp.MustCompile(`var\(--([a-z-]+)\)`).FindAllStringSubmatch(css, -1); len(used) > 0 {
		for _, u := range used {
			if u[1] != "dim" && schemes["light"][u[1]] == "" {
				t.Errorf("colour %s is not defined", u[1])
			}
		}
	}
}

func colours(css string) map[string]string {
	block, _, _ := strings.Cut(css, "\n}\n")
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(block, -1) {
		out[m[1]] = m[2]
	}
	return out
}

func rgb(t *testing.T, hex string) (out [3]float64) {
	t.Helper()
	var r, g, b int
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &r, &g, &b); err != nil {
		t.Fatalf("%q: %v", hex, err)
	}
	return [3]float64{float64(r) / 255, float64(g) / 255, float64(b) / 255}
}

func mix(a, b [3]float64, part float64) (out [3]float64) {
	for i := range out {
		out[i] = part*a[i] + (1-part)*b[i]
	}
	return out
}

// contrast returns the contrast ratio of WCAG 2.2.
func contrast(a, b [3]float64) float64 {
	luminance := func(c [3]float64) (sum float64) {
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			v := c[i] / 12.92
			if c[i] > 0.04045 {
				v = math.Pow((c[i]+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
