package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// introduction is the text before the table.
const introduction = `# Faults

This file shows what the fleet does while something around it fails. The program ` + "`integration/matrix`" + ` wrote it:

    go -C integration run ./matrix --write ../docs/faults.md

Each row is one fault. The program starts a Redis, a provider and replicas. Each replica is a process of its own that has
tasks all the time. A task waits for its token, and then calls the provider once. The provider logs when each call arrives. The program computes the
figures from that log, and the outcomes of tasks from the reports of replicas at their end. Replicas that were killed report nothing.

Unless a row says otherwise, 4 replicas with 32 tasks each share 34 calls a second with a burst of 4, the horizon is the default of
250 ms, tasks have no deadline, and calls wait while Redis is away (FailClosed), because calls that start then would hide the effect of
the fault. In rows 48 to 51, and in one play of row 52, replicas go on with their shares, which is the default. The burst is spent before the fault begins.

Redis is one server, except in rows 17 and 52, which have a cluster of three masters with a replica each, and in rows 53 to 55, which have a
master with two replicas and three Sentinels. In these rows a promotion is the moment at which a server first replies that it is a master.

How to read a row:

- **excess** is the most by which the calls of any window of any length T exceed burst + rate·T. The limiter promises at most
  burst + rate·(T + slack), where slack is 50 ms: an excess of at most 1.7 calls at 34 a second. The figure includes these calls.
- **at most in a second** is the most calls in any second. With this rate and this burst, 40 must never be exceeded.
- **used** is the calls as a share of rate × time, from the end of the burst or over the span that the row measures. Tasks waited all the time.
- **silence** is the longest time without a call after the fault began. It includes the time in which Redis does not answer.
- **lost** is the number of tasks that were accepted and have no outcome, or were reported as done without a call.
- **twice** is the number of attempts that arrived more than once.
- **requests to Redis a call** is the number of requests for reservations, divided by the number of calls.

Times vary from run to run. Therefore most marks are on counts and shares. Each figure is from one run. If a row fails, the last column names the
marks that it does not reach. No mark is changed to let a row pass. A row that names tests has no fleet. Its marks are in the tests, and the row
passes if the tests pass.

`

// table returns the text of docs/faults.md for the rows that were played.
func table(all []*faults.Played, ci bool, together int) string {
	var b strings.Builder
	b.WriteString(introduction)
	played, reached := 0, 0
	for _, p := range all {
		if p != nil {
			played++
		}
		if p != nil && len(p.Failed) == 0 {
			reached++
		}
	}
	form := "at full length"
	if ci {
		form = "in the short form that each change plays"
	}
	fmt.Fprintf(&b, "Played %s on %s, on %d cores of %s (%s/%s), with %s. Redis was version %s.\n%s\n\n",
		form, time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version(), faults.RedisVersion(), beside(together))
	fmt.Fprintf(&b, "%d of %d rows reach their marks.\n\n", reached, played)
	b.WriteString("| row | fault | must hold | measured | |\n|---|---|---|---|---|\n")
	for _, p := range all {
		if p == nil {
			continue // the row could not be played
		}
		verdict := "passes"
		if len(p.Failed) > 0 {
			verdict = "**fails**: " + strings.Join(p.Failed, ", ")
		}
		fault := p.Row.Fault
		if p.Row.Test != nil {
			fault += ". `" + strings.ReplaceAll(command(p.Row.Test), "|", `\|`) + "`"
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", p.Row.Number, fault, p.Row.Bound(), p.Measured(), verdict)
	}
	return b.String()
}

// command returns a command, quoted for a shell.
func command(words []string) string {
	var quoted []string
	for _, w := range words {
		if strings.ContainsAny(w, "()|$^") {
			w = "'" + w + "'"
		}
		quoted = append(quoted, w)
	}
	return strings.Join(quoted, " ")
}

// processor returns the name of the machine's processor, or "an unnamed processor" if the system does not name it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // only Linux has this file
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unnamed processor"
}

// beside returns a sentence that says whether rows were played at the same time, which makes figures worse.
func beside(together int) string {
	if together <= 1 {
		return "One row was played after the other."
	}
	return fmt.Sprintf("%d rows were played at the same time.", together)
}
