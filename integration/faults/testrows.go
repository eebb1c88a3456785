package faults

import (
	"slices"
	"strings"
)

// testRows returns the rows that need no fleet. Each runs tests of a package.
func testRows() []Row {
	return []Row{
		shown(39, "stalled readers", "500 readers of a stream read nothing, and others reset their connections, beside one that reads", "worker/deskhttp",
			"TestStalledReadersCostLittle", "TestReadersThatResetLeaveNothing"),
		shown(32, "hostile input", "records in Redis, reports and configurations that are hostile or damaged", "limiter",
			"TestDamagedRecords", "TestDamagedRecordsOnRedis", "TestExtremeReports", "TestConfigIsRefusedWithTheReason"),
		shown(33, "crafted names", "two namespaces, and two buckets, with names that look like parts of keys", "limiter", "TestCraftedNamesShareNothing"),
		shown(34, "panics", "1 % of 10,000 tasks panic, and 1 % end their goroutine", "orchestrator", "TestPanicsAmongMany", "TestEverythingAtOnce"),
		shown(35, "ignored contexts", "a task ignores the end of its context", "orchestrator",
			"TestADrainEndsBesideATaskThatIgnoresItsContext", "TestADrainNamesWhatItWaitedForInVain"),
		shown(36, "not awaited", "100,000 tasks that nobody awaits, and a full queue", "orchestrator",
			"TestTasksThatNobodyAwaitsLeaveNothing", "TestQueuedTasksCostMemoryOnly", "TestAFullQueueRefuses"),
		shown(37, "leaders", "the first caller of a shared run fails, leaves or panics", "orchestrator",
			"TestASharedRunEndsWhenTheLastLeaves", "TestErrorsAreSharedOnceAndResultsAsLongAsAsked", "TestPanicsOfSharedRunsReachEverybody"),
		shown(38, "submit and close", "tasks are submitted while the orchestrator is closed twice, 10,000 times", "orchestrator",
			"TestSubmitAgainstClose", "TestSubmittingDuringADrainLosesNoTask"),
		full(shown(40, "hostile requests", "100,000 random requests to serve", "worker", "TestHostileRequests")),
		full(shown(40, "hostile events", "1,000,000 random texts in events of a stream", "worker/sse", "TestNoInputInjects")),
		shown(40, "uploads", "bodies that are too large, packed or slow, and more requests than serve takes", "worker/gate",
			"TestUploads", "TestSlowUploadsTakeBoundedMemory", "TestRequestsAreBounded"),
		shown(40, "secrets", "errors, logs and printed values while keys and tokens are in use", "worker/providers",
			"TestErrorsShowNoSecret", "TestNoConnectionShowsNoSecret", "TestPrintingShowsNoSecret"),
		shown(40, "series", "10,000 different requests: the metrics have as many series as before", "cmd/worker", "TestSeriesDoNotGrow"),
		shown(40, "permissions", "a user who may only look tries to write", "integration", "TestDocumentedUsers"),
	}
}

// shown returns a row that runs tests of a package. The command runs in the root of the repository.
func shown(number int, name, fault, folder string, tests ...string) Row {
	test := []string{"go", "test", "-count=1", "-run", "^(" + strings.Join(tests, "|") + ")$", "./" + folder}
	if folder == "integration" { // a module of its own
		test = slices.Concat([]string{"go", "-C", folder}, test[1:len(test)-1], []string{"."})
	}
	return Row{Number: number, Name: name, Fault: fault, CI: true, Test: test}
}

// full returns the row with its test in the long form.
func full(r Row) Row {
	r.Test = append(r.Test, "-args", "-full")
	return r
}
