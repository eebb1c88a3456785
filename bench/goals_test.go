package main

import (
	"strings"
	"testing"
)

// TestGoals: a goal is reached, missed, or not measured, and only the tables of the run decide that.
func TestGoals(t *testing.T) {
	s := &session{}
	x := s.table("X", "", []string{"limiter"}, median("use", 4), median("calls/token", 3))
	x.add(values{"use": 0.98, "calls/token": 0.4}, "weir")
	m := s.table("M", "", []string{"world", "script"}, median("÷ empty", 2), median("p90", 0))
	for _, name := range callNames() {
		m.add(values{"÷ empty": 1.4, "p90": 999}, liveWorld, name)
		slow := map[bool]float64{false: 999, true: 1001}[name == "acquire, 64 unequal asks"]
		m.add(values{"÷ empty": 1.6, "p90": slow}, deadWorld, name)
	}
	all := s.goals()
	verdicts := map[string]string{}
	for _, g := range all {
		verdict := "not measured"
		if g.Reached != nil {
			verdict = map[bool]string{true: "reached", false: "missed"}[*g.Reached]
		}
		verdicts[g.Workload+" "+g.What] = verdict
	}
	for what, want := range map[string]string{
		"X use": "missed", "X Redis calls a token": "reached", "D p50 lateness ÷ x/time/rate": "not measured",
		"M " + liveWorld + ": configure ÷ empty fleet":             "reached",
		"M " + liveWorld + ": nine of ten runs of each script, µs": "reached",
		"M " + deadWorld + ": configure ÷ empty fleet":             "missed",
		"M " + deadWorld + ": nine of ten runs of each script, µs": "missed",
		"M " + tenantWorld + ": configure ÷ empty fleet":           "not measured",
	} {
		if verdicts[what] != want {
			t.Errorf("%s: %q, want %q", what, verdicts[what], want)
		}
	}
	var out strings.Builder
	printGoals(&out, all)
	if !strings.Contains(out.String(), "Goals: 3 of 6 measured goals are reached.") || strings.Contains(out.String(), "lateness") {
		t.Errorf("printed %s\nwant 3 of 6 goals, and no goal of lateness", &out)
	}
}

func TestChoose(t *testing.T) {
	letter := func(w workload) string { return w.letter }
	some, err := choose(workloads(), "X,A", letter)
	if err != nil || len(some) != 2 || some[0].letter != "A" || some[1].letter != "X" {
		t.Errorf("X,A gives %v, error %v, want A and X", some, err)
	}
	if _, err := choose(workloads(), "A,Q", letter); err == nil || !strings.Contains(err.Error(), `"Q"`) {
		t.Errorf("an unknown workload gives the error %v, want one that names it", err)
	}
	if all, err := choose(workloads(), "", letter); err != nil || len(all) != len(workloads()) {
		t.Errorf("an empty list gives %d workloads, error %v, want all", len(all), err)
	}
}
