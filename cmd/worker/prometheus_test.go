package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/upstream"
)

const observability = "../../deploy/observability/"

// installed returns the path of a command from a Debian package. If the command is not installed, the test is skipped, or fails if CI is set.
func installed(t *testing.T, command, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(command)
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("CI is set, so this must run: %v", err)
	case err != nil:
		t.Skipf("needs %s (Debian's package %s): %v", command, pkg, err)
	}
	return path
}

// TestPrometheusKnowsTheRules checks that promtool accepts the rules, and that each rule fires when it should and only then.
func TestPrometheusKnowsTheRules(t *testing.T) {
	promtool := installed(t, "promtool", "prometheus")
	for _, args := range [][]string{{"check", "config", observability + "prometheus.yml"}, {"check", "rules", "--lint-fatal", observability + "rules.yml"}, {"test", "rules", observability + "rules_test.yml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	tested := read(t, observability+"rules_test.yml")
	for alert := range alerts(t) {
		if !regexp.MustCompile(`alertname: ` + alert + `\n +exp_alerts: \[\{`).MatchString(tested) {
			t.Errorf("no test makes %s fire", alert)
		}
	}
}

// alerts returns the expressions of the rules, by name.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, observability+"rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all[r.Alert] = r.Expr
		}
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

// panels returns the expressions of the dashboard, by the title of the panel.
func panels(t *testing.T) map[string][]string {
	t.Helper()
	var file struct {
		UID    string
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
			Datasource  struct{ Type string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, observability+"dashboard.json")), &file); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, p := range file.Panels {
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Datasource.Type != "prometheus" || all[p.Title] != nil {
			t.Errorf("panel %q has no expressions, no Prometheus, or the title of another panel", p.Title)
		}
		for _, target := range p.Targets {
			all[p.Title] = append(all[p.Title], target.Expr)
		}
	}
	if len(all) == 0 || file.UID == "" {
		t.Fatal("no panels, or no uid")
	}
	return all
}

// TestEachMetricIsOnTheDashboard checks that each documented metric has a panel, because operators look only at the dashboard.
func TestEachMetricIsOnTheDashboard(t *testing.T) {
	shown := fmt.Sprint(panels(t))
	for _, m := range documentedMetrics(t) {
		if !strings.Contains(shown, m.prometheus) {
			t.Errorf("no panel shows %s", m.prometheus)
		}
	}
}

// operands returns the parts of the expression of an alert that are compared with thresholds. A healthy replica does not reach a threshold, so the
// whole expression has no data. The parts must have data: an alert on a metric that does not exist never fires.
func operands(expr string) []string {
	var parts []string
	for _, part := range regexp.MustCompile(`\n(?:and|unless)\n`).Split(strings.TrimSpace(expr), -1) {
		for _, side := range regexp.MustCompile(` [<>]=? `).Split(part, -1) {
			if !regexp.MustCompile(`^[0-9.]+$`).MatchString(side) {
				parts = append(parts, side)
			}
		}
	}
	return parts
}

// prometheusServer is a Prometheus that scrapes one target.
type prometheusServer struct{ url string }

// startPrometheus starts a Prometheus and waits until it answers.
func startPrometheus(t *testing.T, target string) prometheusServer {
	t.Helper()
	command := installed(t, "prometheus", "prometheus")
	dir := t.TempDir()
	rules, err := filepath.Abs(observability + "rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 1s}\nrule_files: [%q]\n"+
		"scrape_configs: [{job_name: weir, static_configs: [{targets: [%q]}]}]\n", rules, strings.TrimPrefix(target, "http://"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // to find a free port
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	log := &lines{}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), command, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+addr, "--enable-feature=exemplar-storage")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the log of Prometheus has the error
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	p := prometheusServer{"http://" + addr}
	for {
		select {
		case <-ended:
			t.Fatalf("prometheus ended:\n%s", log)
		case <-time.After(20 * time.Millisecond):
		}
		res, err := http.Get(p.url + "/-/ready") //nolint:noctx // the answer or a refused connection comes at once
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return p
		}
	}
}

// ask sends a request to the API of Prometheus and decodes the data of the answer.
func (p prometheusServer) ask(t *testing.T, path string, query url.Values, into any) {
	t.Helper()
	status, body := get(t, p.url+"/api/v1/"+path+"?"+query.Encode())
	var reply struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &reply); err != nil || reply.Status != "success" {
		t.Fatalf("%v: %d %s %v", query, status, body, err)
	}
	if err := json.Unmarshal(reply.Data, into); err != nil {
		t.Fatal(err)
	}
}

// number reports whether an expression has a sample that is a number. A quantile without data is NaN.
func (p prometheusServer) number(t *testing.T, expr string) bool {
	t.Helper()
	var data struct {
		Result []struct{ Value [2]any }
	}
	p.ask(t, "query", url.Values{"query": {expr}}, &data)
	for _, r := range data.Result {
		if v, _ := r.Value[1].(string); v != "" && v != "NaN" {
			return true
		}
	}
	return false
}

// TestPrometheusHasDataForEachPanelAndRule starts a Prometheus that scrapes a replica. The replica works, gets refusals, is overloaded and has
// failures. Each expression of the dashboard and of the rules has to have data, so that no name and no label in them is wrong.
func TestPrometheusHasDataForEachPanelAndRule(t *testing.T) {
	installed(t, "prometheus", "prometheus")
	s := scrapedReplica(t, func(c *upstream.Config) {
		c.Total = upstream.Limit{Rate: 300, Burst: 50} // below the budget of the replica, for 429s and holds
		c.Overloaded, c.DenyAudioFeatures = 0.2, true
	})
	p := startPrometheus(t, s.admin)

	missing := map[string]string{} // the panel or the alert, by expression
	for title, exprs := range panels(t) {
		for _, expr := range exprs {
			missing[strings.ReplaceAll(expr, "$__rate_interval", "1m")] = "panel " + title
		}
	}
	for alert, expr := range alerts(t) {
		for _, part := range operands(expr) {
			missing[part] = "alert " + alert
		}
	}
	all := len(missing)
	cfg := limiter.SingleBucket("own", limiter.PerSecond(1000, 1))
	cfg.MeterProvider = s.tel.meters
	callers, err := limiter.NewMemory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = callers.Close(context.WithoutCancel(t.Context())) }()
	s.troubles(t)
	body := string(playlist.Sample())
	for began := time.Now(); len(missing) > 0; {
		if time.Since(began) > 2*time.Minute {
			t.Errorf("no data for %d of %d expressions:", len(missing), all)
			for expr, of := range missing {
				t.Errorf("%s: %s", of, expr)
			}
			break
		}
		post(t, s.url, body)
		if err := callers.Report(t.Context(), "own", limiter.Throttled{}); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := callers.Wait(t.Context(), "own"); err != nil {
				t.Fatal(err)
			}
		}
		for _, expr := range slices.Collect(maps.Keys(missing)) {
			if p.number(t, expr) {
				delete(missing, expr)
			}
		}
	}
	t.Logf("%d expressions have data", all-len(missing))

	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	p.ask(t, "rules", nil, &rules)
	evaluated := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			evaluated++
			if r.Health == "err" {
				t.Errorf("rule %s: %s", r.Name, r.LastError)
			}
		}
	}
	if evaluated != len(alerts(t)) {
		t.Errorf("Prometheus evaluates %d rules of %d", evaluated, len(alerts(t)))
	}
	var exemplars []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	p.ask(t, "query_exemplars", url.Values{"query": {"weir_task_wait_seconds_bucket"}, "start": {"0"}, "end": {fmt.Sprint(time.Now().Unix() + 60)}}, &exemplars)
	if len(exemplars) == 0 || len(exemplars[0].Exemplars) == 0 || exemplars[0].Exemplars[0].Labels["trace_id"] == "" {
		t.Errorf("no exemplar leads from a wait to its trace: %v", exemplars)
	}
}
