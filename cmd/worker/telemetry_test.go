package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/playlist"
)

// personal is a playlist in which each text contains "hunter2".
const personal = `{"name":"hunter2 songs","tracks":[
 {"id":"4uLU6hMCjMI75M1A2tKUQC","name":"hunter2 song","artists":["hunter2 band"],"album":"hunter2 album"},
 {"id":"5uLU6hMCjMI75M1A2tKUQC","name":"hunter2 tune","artists":["hunter2 choir"],"album":"hunter2 disc"}]}`

// consoles returns env with variables that print all telemetry.
func consoles(env map[string]string) map[string]string {
	all := map[string]string{"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "console"}
	maps.Copy(all, env)
	return all
}

// TestNothingStandsAroundAResult checks that stdout has only the result, even if all telemetry is printed.
func TestNothingStandsAroundAResult(t *testing.T) {
	sample := filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(sample, playlist.Sample(), 0o600); err != nil {
		t.Fatal(err)
	}
	env := consoles(map[string]string{"WEIR_UPSTREAM": simulator(t, nil), "WEIR_RATE": "1000", "WEIR_BURST": "1000"})
	status, stdout, stderr := run(t, env, "analyze", sample)
	if status != cli.OK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var result analysis.Result
	in := json.NewDecoder(strings.NewReader(stdout))
	in.DisallowUnknownFields()
	if err := in.Decode(&result); err != nil || in.More() || result.Tasks == 0 {
		t.Errorf("stdout is not one result: %v: %.300s", err, stdout)
	}
	for _, want := range []string{`"Name":"execute"`, `"Name":"weir.task.outcomes"`, `"Name":"weir.bucket.tokens"`} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr has no %s", want)
		}
	}
}

// collector records requests of OTLP over HTTP. It answers with a status after which exporters do not retry.
type collector struct {
	mu     sync.Mutex
	bodies map[string]string // by path, joined
}

func startCollector(t *testing.T, status int) (c *collector, url string) {
	t.Helper()
	c = &collector{bodies: map[string]string{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		c.bodies[r.URL.Path] += string(body)
		c.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return c, s.URL
}

func (c *collector) got() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bodies
}

// TestTelemetryGoesWhereTheVariablesSay checks that all three signals arrive at a collector before the command ends, with the name of the service.
func TestTelemetryGoesWhereTheVariablesSay(t *testing.T) {
	c, url := startCollector(t, http.StatusOK)
	s := serve(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": "of-a-test", "WEIR_ADMIN": noAdmin})
	post(t, s.url, personal)
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/v1/traces": "task spotify.search", "/v1/metrics": "weir.task.outcomes", "/v1/logs": "analysis ended"} {
		body := c.got()[path]
		if !strings.Contains(body, want) || !strings.Contains(body, "of-a-test") {
			t.Errorf("%s: no %q of the service in %d bytes", path, want, len(body))
		}
		if strings.Contains(body, "hunter2") {
			t.Errorf("%s contains a text of the playlist", path)
		}
	}
}

// TestNothingIsSentUnasked checks that nothing is sent without variables or with a disabled SDK. A disabled SDK also measures nothing.
func TestNothingIsSentUnasked(t *testing.T) {
	c, url := startCollector(t, http.StatusOK)
	s := serve(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SDK_DISABLED": "TRUE", "WEIR_ADMIN": "127.0.0.1:0"})
	post(t, s.url, personal)
	if status, body := get(t, s.admin+"/metrics"); status != http.StatusNotFound || !strings.Contains(body, "OTEL_SDK_DISABLED") {
		t.Errorf("metrics of a disabled SDK: %d %s", status, body)
	}
	if err := s.end(); err != nil || len(c.got()) != 0 {
		t.Errorf("%v; sent to %v", err, slices.Collect(maps.Keys(c.got())))
	}

	clean(t, nil)
	for _, signal := range []string{"TRACES", "METRICS", "LOGS"} {
		if to, err := destination(signal); to != toNone || err != nil {
			t.Errorf("%s without variables go to %s, %v", signal, to, err)
		}
		t.Setenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT", url)
		if to, err := destination(signal); to != toOTLP || err != nil {
			t.Errorf("%s with an endpoint go to %s, %v", signal, to, err)
		}
		t.Setenv("OTEL_"+signal+"_EXPORTER", toNone)
		if to, err := destination(signal); to != toNone || err != nil {
			t.Errorf("%s with the exporter none go to %s, %v", signal, to, err)
		}
	}
}

// TestACollectorThatRefusesFailsNothing checks that a command still prints its result, and logs what was not sent.
func TestACollectorThatRefusesFailsNothing(t *testing.T) {
	sample := filepath.Join(t.TempDir(), "personal.json")
	if err := os.WriteFile(sample, []byte(personal), 0o600); err != nil {
		t.Fatal(err)
	}
	_, url := startCollector(t, http.StatusBadRequest)
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url, "WEIR_UPSTREAM": simulator(t, nil), "WEIR_RATE": "1000", "WEIR_BURST": "1000"}
	status, stdout, stderr := run(t, env, "analyze", sample)
	if status != cli.OK || !json.Valid([]byte(stdout)) || !strings.Contains(stderr, "telemetry") {
		t.Errorf("status %d, %.100s\n%s", status, stdout, stderr)
	}
}

// stuckPart is a part that sends nothing until its context ends.
type stuckPart struct{}

func (p stuckPart) ForceFlush(ctx context.Context) error { return p.Shutdown(ctx) }

func (p stuckPart) Shutdown(ctx context.Context) error {
	<-ctx.Done()
	return errors.New("a collector that hangs")
}

// TestTheEndIsBounded checks that several exporters that hang delay the end by no more than one does, also after an interrupt.
func TestTheEndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &lines{}
		p := &telemetry{local: logger(out), parts: []part{stuckPart{}, stuckPart{}, stuckPart{}}}
		interrupted, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		p.end(interrupted)
		if took := time.Since(began); took != flushTime || !strings.Contains(out.String(), "a collector that hangs") {
			t.Errorf("the end took %v, want %v: %s", took, flushTime, out)
		}
	})
}

// TestLogsAndSpansTellNobodysMusic checks that no line and no span of a replica contains a name, a query or an address of its clients.
func TestLogsAndSpansTellNobodysMusic(t *testing.T) {
	s := serve(t, consoles(map[string]string{"WEIR_ADMIN": noAdmin}))
	if events := post(t, s.url, personal); !strings.Contains(events, "event: result") {
		t.Fatalf("no result: %s", events)
	}
	get(t, s.url+"/v1/hunter2?q=hunter2", "User-Agent", "hunter2", "X-Forwarded-For", "hunter2", "Host", "hunter2")
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	text := s.stderr.String()
	for _, want := range []string{`"Name":"GET /v1/search"`, `"Name":"POST /v1/playlists/analyze"`, "analysis ended"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	for line := range strings.Lines(text) {
		if i := strings.Index(line, "hunter2"); i >= 0 {
			t.Errorf("…%s", line[max(0, i-200):min(len(line), i+40)])
		}
	}
	if s.stdout.Len() > 0 {
		t.Errorf("stdout: %.200s", s.stdout)
	}
}

// TestWrongVariables checks that a command with a wrong variable of telemetry names it, starts nothing and exits with status 2.
func TestWrongVariables(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		says []string
	}{
		"traces":   {map[string]string{"OTEL_TRACES_EXPORTER": "prometheus"}, []string{"OTEL_TRACES_EXPORTER", `"prometheus"`, "otlp, console, none"}},
		"metrics":  {map[string]string{"OTEL_METRICS_EXPORTER": "stdout"}, []string{"OTEL_METRICS_EXPORTER", `"stdout"`, "prometheus"}},
		"logs":     {map[string]string{"OTEL_LOGS_EXPORTER": "otlp,console"}, []string{"OTEL_LOGS_EXPORTER"}},
		"protocol": {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "udp"}, []string{"traces", "OTLP", "grpc"}},
		"resource": {map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "of"}, []string{"OTEL_RESOURCE_ATTRIBUTES"}},
		"admin":    {map[string]string{"WEIR_ADMIN": "9464"}, []string{"--admin", "WEIR_ADMIN", `"9464"`, "HOST:PORT", "off"}},
		"a port":   {map[string]string{"WEIR_ADMIN": "127.0.0.1:99999"}, []string{"--admin", "WEIR_ADMIN", "127.0.0.1:99999"}},
		"port of Prometheus": {
			map[string]string{"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "http"}, []string{"OTEL_EXPORTER_PROMETHEUS_PORT", "127.0.0.1:http"},
		},
		"no port":             {map[string]string{"OTEL_METRICS_EXPORTER": "prometheus", "WEIR_ADMIN": "off"}, []string{"OTEL_METRICS_EXPORTER", "WEIR_ADMIN"}},
		"headers":             {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}, []string{"OTEL_EXPORTER_OTLP_HEADERS:", "NAME=VALUE"}},
		"headers of traces":   {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=b,c d=hunter2"}, []string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS:"}},
		"headers of metrics":  {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_HEADERS": "a=hunter2%"}, []string{"OTEL_EXPORTER_OTLP_METRICS_HEADERS:"}},
		"headers of logs":     {map[string]string{"OTEL_EXPORTER_OTLP_LOGS_HEADERS": "a=hunter2%0Ab"}, []string{"OTEL_EXPORTER_OTLP_LOGS_HEADERS:"}},
		"endpoint":            {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:hunter2@host:x"}, []string{"OTEL_EXPORTER_OTLP_ENDPOINT:", "a URL"}},
		"endpoint of traces":  {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "hunter2:4317"}, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT:"}},
		"endpoint of metrics": {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http:///hunter2"}, []string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT:"}},
		"endpoint of logs":    {map[string]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "ftp://hunter2"}, []string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT:"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.env["WEIR_UPSTREAM"] = "http://127.0.0.1:1"
			status, stdout, stderr := run(t, c.env, "serve", "--addr", "127.0.0.1:0")
			if status != cli.Usage || stdout != "" || strings.Count(stderr, "\n") != 1 {
				t.Errorf("status %d, want %d: %s", status, cli.Usage, stderr)
			}
			for _, want := range c.says {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not say %q", stderr, want)
				}
			}
			if strings.Contains(stderr, "hunter2") {
				t.Errorf("%q contains a secret", stderr)
			}
		})
	}
}

// TestLibraryTellsNoValues checks that the log has only the message of an error of the OpenTelemetry library.
func TestLibraryTellsNoValues(t *testing.T) {
	var out bytes.Buffer
	l := libraryLogger(&out)
	l.Error(errors.New("hunter2"), "parse headers", "input", "hunter2")
	l.V(1).Info("a warning", "input", "hunter2")
	if got := out.String(); !strings.Contains(got, `"msg":"parse headers"}`) || strings.Contains(got, "hunter2") || strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
}
