package tui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// replicaTable returns the table of replicas, most urgent state first.
func replicaTable(d *data, s *state) table[report.Replica] {
	type row = report.Replica
	t := table[row]{name: "replicas", key: func(v row) string { return v.ID }, rows: slices.Clone(d.history.Last().Replicas)}
	slices.SortStableFunc(t.rows, func(a, b row) int { return cmp.Compare(stateRank(a.State), stateRank(b.State)) })
	t.empty = none(t.name, len(t.rows))
	t.rows = fewer(t.rows, s, func(v row) bool { return v.State != "up" }, func(v row) bool { return s.filters[replicaScreen].Match(v.ID, v.Host) })
	number := func(title string, extra bool, of func(row) *int) column[row] {
		return column[row]{title: title, extra: extra, cell: func(v row) string { return count(of(v)) }, compare: func(a, b row) int { return largest(of(a), of(b)) }}
	}
	long := func(title string, extra bool, of func(row) *int64) column[row] {
		return column[row]{title: title, extra: extra, cell: func(v row) string { return count(of(v)) }, compare: func(a, b row) int { return largest(of(a), of(b)) }}
	}
	span := func(title string, extra bool, of func(row) *int64) column[row] {
		return column[row]{title: title, extra: extra, cell: func(v row) string { return report.MS(of(v)) }, compare: func(a, b row) int { return largest(of(a), of(b)) }}
	}
	text := func(title string, extra bool, of func(row) string) column[row] {
		return column[row]{title: title, left: true, extra: extra, cell: of, compare: func(a, b row) int { return strings.Compare(of(a), of(b)) }}
	}
	state := text("STATE", false, func(v row) string { return stateWord(v.State) })
	state.kind = func(v row) kind { return stateKind(v.State) }
	pid := text("PID", true, func(v row) string {
		if v.PID == 0 {
			return "-"
		}
		return strconv.Itoa(v.PID)
	})
	pid.left, pid.compare = false, nil
	failed := long("FAILED", false, func(v row) *int64 { return v.Failed })
	failed.kind = func(v row) kind {
		if v.Failed != nil && *v.Failed > 0 {
			return odd
		}
		return plain
	}
	t.columns = []column[row]{
		text("REPLICA", false, func(v row) string { return report.Short(v.ID) }),
		state,
		span("SEEN", false, func(v row) *int64 { return &v.HeartbeatAgeMS }),
		text("HOST", false, func(v row) string { return v.Host }),
		number("WAITING", false, func(v row) *int { return v.Pending }),
		span("OLDEST", false, func(v row) *int64 { return v.OldestMS }),
		number("RUNNING", false, func(v row) *int { return v.InFlight }),
		long("DONE", false, func(v row) *int64 { return v.Done }),
		failed,
		number("SLOTS", true, func(v row) *int { return v.Slots }),
		span("UP", true, func(v row) *int64 { return v.UpMS }),
		pid,
		long("REDIS CALLS", true, func(v row) *int64 { return v.RedisCalls }),
		text("VERSION", true, func(v row) string { return v.Version }),
		text("ADDRESS", true, func(v row) string { return v.Addr }),
	}
	return t
}
