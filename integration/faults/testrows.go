package faults

import "strings"

// testRows are the rows that need no fleet: tests of the packages show them.
func testRows() []Row {
	return []Row{
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
	}
}

// shown is a row that tests of a package show.
func shown(number int, name, fault, folder string, tests ...string) Row {
	return Row{
		Number: number, Name: name, Fault: fault, CI: true,
		Test: []string{"go", "test", "-count=1", "-run", "^(" + strings.Join(tests, "|") + ")$", "github.com/weir-go/weir/" + folder},
	}
}
