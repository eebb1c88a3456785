package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/upstream"
)

// documented is a row of the table of metrics in docs/telemetry.md.
type documented struct{ name, prometheus, kind string }

// documentedMetrics reads the table of metrics in docs/telemetry.md.
func documentedMetrics(t *testing.T) []documented {
	t.Helper()
	var rows []documented
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z._]+)` \\| `([a-z_]+)` \\| (\\w+) \\|").FindAllStringSubmatch(read(t, "../../docs/telemetry.md"), -1) {
		rows = append(rows, documented{m[1], m[2], m[3]})
	}
	return rows
}

// packageMetrics reads the names of metrics in the table of a package comment.
func packageMetrics(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^//\t(weir\.\S+)`).FindAllStringSubmatch(read(t, file), -1) {
		names = append(names, m[1])
	}
	return names
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMetricsAreTheDocumentedOnes checks that a working replica has the metrics in docs/telemetry.md and no others, and that the package comments
// list the same metrics of weir.
func TestMetricsAreTheDocumentedOnes(t *testing.T) {
	s := scrapedReplica(t, func(c *upstream.Config) { c.DenyAudioFeatures = true })
	post(t, s.url, string(playlist.Sample()))
	s.troubles(t)

	types, samples := s.metrics(t)
	var names, shown []string
	for _, row := range documentedMetrics(t) {
		family := strings.TrimSuffix(row.prometheus, "_total")
		if types[family] != row.kind || !has(samples, row.prometheus) {
			t.Errorf("%s, a %s: the replica has a %q of this name", row.prometheus, row.kind, types[family])
		}
		if !strings.HasPrefix(row.prometheus, strings.ReplaceAll(row.name, ".", "_")) {
			t.Errorf("docs/telemetry.md: the row of %s has the Prometheus name %s", row.name, row.prometheus)
		}
		if strings.HasPrefix(row.name, "weir.") {
			names = append(names, row.name)
		}
		shown = append(shown, family)
	}
	for family := range types {
		if about := strings.HasPrefix(family, "go_") || strings.HasPrefix(family, "process_") || family == "target_info"; !about && !slices.Contains(shown, family) {
			t.Errorf("docs/telemetry.md does not have %s", family)
		}
	}
	packages := slices.Concat(packageMetrics(t, "../../limiter/doc.go"), packageMetrics(t, "../../orchestrator/doc.go"))
	if diff := cmp.Diff(slices.Sorted(slices.Values(packages)), slices.Sorted(slices.Values(names))); diff != "" {
		t.Errorf("metrics in the comments of packages (-) and in docs/telemetry.md (+):\n%s", diff)
	}

	exemplar := regexp.MustCompile(`^weir_task_wait_seconds_bucket\{.*# \{.*trace_id="[0-9a-f]{32}"`)
	if !slices.ContainsFunc(samples, exemplar.MatchString) {
		t.Error("no bucket of weir_task_wait_seconds has an exemplar with the trace of a task")
	}
	if !has(samples, `http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="403"`) ||
		!slices.ContainsFunc(samples, func(s string) bool { return strings.Contains(s, `url_template="/v1/audio-features/{id}"`) }) {
		t.Error("requests to providers have no status or no template")
	}
}

// TestSeriesDoNotGrow checks that random texts in requests of clients add no series.
func TestSeriesDoNotGrow(t *testing.T) {
	s := scrapedReplica(t, nil)
	requests := func(seed uint64, n int) map[string]bool {
		random := rand.New(rand.NewPCG(seed, 0))
		word := func() string { return fmt.Sprintf("%x", random.Uint64()) }
		for range n {
			method := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, strings.ToUpper(word())}[random.IntN(5)]
			path := []string{"/v1/playlists/analyze", "/v1/" + word(), "/" + word(), "/v1/playlists/" + word(), "/livez", "/readyz"}[random.IntN(6)]
			r := httptest.NewRequestWithContext(t.Context(), method, path+"?"+word()+"="+word(), strings.NewReader(word()))
			r.Host = word() + ".example:" + fmt.Sprint(1+random.IntN(65535))
			r.Header.Set("User-Agent", word())
			r.Header.Set("X-Forwarded-For", word())
			r.Header.Set("Traceparent", "00-"+word()+word()+"-"+word()+"-01")
			if random.IntN(4) == 0 {
				r.Header.Set("Content-Encoding", word())
			}
			s.handler.ServeHTTP(httptest.NewRecorder(), r)
		}
		_, samples := s.metrics(t)
		series := map[string]bool{}
		for _, line := range samples {
			name, _, _ := strings.Cut(line, " # ")
			series[name[:strings.LastIndex(name, " ")]] = true
		}
		return series
	}
	before := requests(1, 500)
	after := requests(2, 10_000)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))); diff != "" {
		t.Errorf("%d series, and %d after 10,000 more requests: %.2000s", len(before), len(after), diff)
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(after)), func(s string) bool { return strings.HasPrefix(s, "http_server_request_duration_seconds_count") }) {
		t.Error("requests have no metrics")
	}
}
