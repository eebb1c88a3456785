package orchestrator_test

import (
	"os"
	"testing"
	"testing/synctest"
)

// inVirtualTime runs a function in a bubble of testing/synctest. Examples need it, because they have no *testing.T.
func inVirtualTime(run func(t *testing.T)) {
	out := os.Stdout
	os.Stdout = os.Stderr // or -v would add the test's report to the output of the example
	defer func() { os.Stdout = out }()
	done := false
	test := func(t *testing.T) {
		if done { // -count would repeat the function, whose output an example compares once
			return
		}
		done = true
		os.Stdout = out
		synctest.Test(t, run)
		os.Stdout = os.Stderr
	}
	all := func(string, string) (bool, error) { return true, nil }
	if !testing.RunTests(all, []testing.InternalTest{{Name: "bubble", F: test}}) {
		panic("the test in the bubble has failed")
	}
}
