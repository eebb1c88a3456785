package limiter_test

import (
	"os"
	"testing"
	"testing/synctest"
)

// inVirtualTime runs a function in a bubble of testing/synctest. It is for examples, which have no *testing.T of their own.
func inVirtualTime(run func(t *testing.T)) {
	out := os.Stdout
	os.Stdout = os.Stderr // where the test is reported, or -v would add to the output of the example
	defer func() { os.Stdout = out }()
	done := false
	test := func(t *testing.T) {
		if done { // -count repeats the example already
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
