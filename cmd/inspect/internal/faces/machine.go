package faces

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// JSON writes v as one JSON object, indented for a person to read, or in one line. Errors are those of out.
func JSON(out io.Writer, v any, indented bool) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if indented {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(v)
}

// Prom writes a report as gauges in the text form of Prometheus. It omits unknown values. Errors are those of out.
func Prom(out io.Writer, r *report.Report) error {
	var b strings.Builder
	family := func(name, help string) func(value float64, labels ...string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		return func(value float64, labels ...string) {
			b.WriteString(name + "{namespace=" + label(r.Namespace))
			for i := 0; i < len(labels); i += 2 {
				b.WriteString("," + labels[i] + "=" + label(labels[i+1]))
			}
			fmt.Fprintf(&b, "} %g\n", value)
		}
	}
	bucket := func(name, help string, value func(*report.Bucket) *float64) {
		add, taken := family("weir_bucket_"+name, help), map[string]bool{}
		for i := range r.Buckets {
			if v := value(&r.Buckets[i]); v != nil {
				name, limit := r.Buckets[i].Name, r.Buckets[i].Limit
				for n := 2; taken[name+"\n"+limit]; n++ { // two limits with the same text
					limit = fmt.Sprintf("%s (%d)", r.Buckets[i].Limit, n)
				}
				taken[name+"\n"+limit] = true
				add(*v, "bucket", name, "limit", limit)
			}
		}
	}
	of := func(x float64) *float64 { return &x }
	bucket("rate", "Tokens a second of the limit.", func(b *report.Bucket) *float64 { return &b.Rate })
	bucket("served", "Part of the rate at which calls start, 1 unless the bucket follows its provider.", func(b *report.Bucket) *float64 { return &b.Served })
	bucket("used_per_second", "Tokens a second of calls that started, over ten seconds, in all replicas.", func(b *report.Bucket) *float64 { return b.UsedPerS })
	bucket("refused_per_second", "Calls a second that the provider refused, over ten seconds.", func(b *report.Bucket) *float64 { return b.RefusedPerS })
	bucket("waiting", "Calls and tasks that wait on routes through the bucket.", func(b *report.Bucket) *float64 { return of(float64(b.Calls)) })
	bucket("oldest_seconds", "How long the oldest waiting call or task has waited.", func(b *report.Bucket) *float64 { return seconds(b.OldestMS) })
	bucket("paused", "1 while the bucket is paused or held.", func(b *report.Bucket) *float64 { return of(map[bool]float64{true: 1}[b.Paused]) })
	bucket("disputed", "1 while replicas disagree about the limit.", func(b *report.Bucket) *float64 { return of(map[bool]float64{true: 1}[len(b.Wishes) > 0]) })
	replicas, states := family("weir_fleet_replicas", "Replicas by state."), map[string]float64{"up": 0, "draining": 0, "lost": 0, "unknown": 0}
	for _, v := range r.Replicas {
		states[v.State]++
	}
	for _, state := range []string{"up", "draining", "lost", "unknown"} {
		replicas(states[state], "state", state)
	}
	age := family("weir_fleet_record_age_seconds", "Age of the record of a replica.")
	for _, v := range r.Replicas {
		age(*seconds(&v.HeartbeatAgeMS), "replica", v.ID)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func seconds(ms *int64) *float64 {
	if ms == nil {
		return nil
	}
	s := float64(*ms) / 1000
	return &s
}

// label returns a quoted label value in the text form of Prometheus.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
