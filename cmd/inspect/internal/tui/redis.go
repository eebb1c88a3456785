package tui

import (
	"fmt"
	"strings"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// server returns the Redis screen: the settings and figures that Redis reports, and those of the namespace.
func server(d *data, width int) []string {
	r := d.history.Last()
	v := r.Server
	lines := []string{paint(strong, "REDIS")}
	add := func(name, value string, k kind) {
		if value == "" {
			value = "-" // the user may not call INFO
		}
		lines = append(lines, "  "+paint(faint, pad(name, 22, false))+paint(k, cut(value, width-24)))
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	bytes := func(n *int64) string {
		if n == nil {
			return ""
		}
		return faces.Bytes(*n)
	}
	seconds := func(n *int64) string {
		if n == nil {
			return ""
		}
		ms := *n * 1000
		return report.MS(&ms)
	}
	add("address", d.addr, plain)
	add("version, role", strings.TrimSpace(text(v.Version)+" "+text(v.Role)), plain)
	add("up", seconds(v.UptimeS), plain)
	memory := bytes(v.UsedMemory)
	if v.MaxMemory != nil && *v.MaxMemory > 0 {
		memory += " of " + bytes(v.MaxMemory)
	}
	add("memory", memory, plain)
	policy := text(v.Policy)
	if policy != "" && policy != "noeviction" {
		add("eviction", policy+": MAY EVICT THE BUDGET, set noeviction", odd)
	} else {
		add("eviction", policy, plain)
	}
	add("evicted keys", count(v.EvictedKeys), map[bool]kind{true: bad}[v.EvictedKeys != nil && *v.EvictedKeys > 0])
	add("clients", count(v.Clients), plain)
	add("commands a second", count(v.OpsPerS), plain)
	file := ""
	if v.AOF != nil {
		file = map[bool]string{true: "on", false: "off: a restart loses the budget"}[*v.AOF]
	}
	add("append-only file", file, plain)
	add("replicas of Redis", count(v.Replicas)+", good for min-replicas-to-write: "+count(v.GoodEnough), plain)
	lines = append(lines, "", paint(strong, "NAMESPACE "+cut(r.Namespace, width-10)))
	add("epoch", r.Epoch, plain)
	add("reservations", fmt.Sprint(r.Grants), plain)
	add("configuration", "version "+fmt.Sprint(r.Version), plain)
	add("live limiters", fmt.Sprint(r.Live), plain)
	add("this reading", fmt.Sprintf("%d commands, %s, %.1f ms", r.Cost.Commands, faces.Bytes(r.Cost.Bytes), r.Cost.MS), plain)
	return append(lines, readings(d, width))
}

// readings returns a line with the durations of the readings of the last minute.
func readings(d *data, width int) string {
	var points []point
	all := d.history.Reports()
	for i := 1; i < len(all); i++ {
		points = append(points, point{all[i-1].At, all[i].At, all[i].Cost.MS})
	}
	values := cells(points, min(60, max(5, width-42)), d.history.Last().At)
	line := "  " + paint(faint, pad("readings of 60 s", 22, false)) + paint(info, spark(values, most(values)))
	return line + paint(faint, " up to "+short(most(values))+" ms")
}
