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

Each row is one fault. The program starts a Redis, a provider and replicas. Each replica is a process of its own and runs tasks all the time.
A task waits for its token and then calls the provider once. The provider logs when each call arrives. The figures come from that
log. The outcomes of tasks come from the reports that replicas print at their end. A killed replica prints none.

Unless a row says otherwise, 4 replicas with 32 tasks each share 34 calls a second with a burst of 4. The horizon is the default of
250 ms, and tasks have no deadline. Calls wait while Redis is away (FailClosed), because calls without Redis would hide the effect of the
fault. In rows 48 to 51, and in one of 52, replicas go on with their shares, as they do by default. The burst is spent before the fault begins.

Redis is one server in most rows. Rows 17 and 52 have a cluster of three masters with a replica each. Rows 53 to 55 have a master with two
replicas and three Sentinels. In these rows a promotion is the moment at which a server first replies that it is a master.

How to read a row:

- **excess** is the largest number of calls by which a window of any length T exceeds burst + rate·T. The limiter promises at most
  burst + rate·(T + slack), with a slack of 50 ms. At 34 calls a second this allows an excess of 1.7. Nothing is subtracted for slack.
- **at most in a second** is the largest number of calls in any second. With this rate and this burst it must never exceed 40.
- **used** is the number of calls divided by rate × time, from the end of the burst on, or in the span that the row measures. Tasks waited
  all the time.
- **silence** is the longest time without a call after the fault began. The time in which Redis does not answer counts, too.
- **lost** is the number of accepted tasks without an outcome, and of tasks that were reported as done without a call.
- **twice** is the number of attempts that arrived more than once.
- **requests to Redis a call** is the number of requests for reservations, divided by the number of calls.

Timing is noisy. Each figure comes from one run, and most marks are on counts and shares. If a row fails, the last column names the marks
that it does not reach. A mark is not adapted to the figures. A row that names tests needs no fleet: it passes if the tests pass.

`

// table returns the content of docs/faults.md for the played rows.
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

// command returns a command quoted for a shell.
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

// processor returns the name of the machine's processor, if the system has /proc/cpuinfo.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // only Linux has this file
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unnamed processor"
}

// beside returns a sentence that says how many rows were played at the same time. Rows that are played together have worse figures.
func beside(together int) string {
	if together <= 1 {
		return "One row was played after the other."
	}
	return fmt.Sprintf("%d rows were played at the same time.", together)
}
