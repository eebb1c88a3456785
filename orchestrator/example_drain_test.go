package orchestrator_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// The process gets SIGTERM. Executing tasks may end. Tasks that have not started are handed back, so that they can run
// elsewhere. A program learns of the signal by signal.NotifyContext, and gives Drain a context with the time that it has.
func ExampleOrchestrator_Drain() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(1000, 10)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	begun, answered := make(chan struct{}), make(chan struct{})
	batch, err := orchestrator.Map(ctx, o, "", []string{"Creep", "Hurt", "Airbag"}, func(_ context.Context, track string) (string, error) {
		close(begun)
		<-answered
		return track + " is stored", nil
	})
	if err != nil {
		panic(err)
	}
	<-begun // the first task executes, two are queued
	go func() {
		for range batch.Completed(ctx) { // its answer comes when the others have ended
			break
		}
		close(answered)
	}()
	report, err := o.Drain(ctx, orchestrator.Drain{HandBack: true})
	fmt.Println("ended:", report.Ended, "handed back:", report.HandedBack, err)
	outcomes, err := batch.Await(ctx)
	if err != nil {
		panic(err)
	}
	for _, out := range outcomes {
		fmt.Printf("%q %t\n", out.Value, errors.Is(out.Err, orchestrator.ErrHandedBack))
	}
	// Output:
	// ended: 1 handed back: 2 <nil>
	// "Creep is stored" false
	// "" true
	// "" true
}
