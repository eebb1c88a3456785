package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/internal/version"
)

// The exit statuses of all commands.
const (
	OK          = 0
	Failed      = 1
	Usage       = 2
	Unreachable = 3 // Redis did not answer one who only looks, or refused
	Interrupted = 130
	Terminated  = 143 // by a second signal
)

// Error ends a command with a status of its own.
type Error struct {
	Status int
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Usagef is an error in how the command was called.
func Usagef(format string, args ...any) error {
	return &Error{Status: Usage, Err: fmt.Errorf(format, args...)}
}

// Streams are where a command writes: data to Out, everything else to Err.
type Streams struct{ Out, Err io.Writer }

// WidestHelp is how many columns help takes in a terminal that has more. In a pipe it takes 80.
const WidestHelp = 100

// Main parses the arguments of a command into grammar, runs what they select, and returns the exit status. Errors are
// one line on Err. The first interrupt or termination signal ends the context, the second the process. bind is handed
// to the Run method of the selected command, with the context and the streams.
func Main(name, description string, grammar any, args []string, s Streams, bind ...any) int {
	vars := map[string]string{"version": name + " " + version.Text()}
	if v, ok := grammar.(interface{ Vars() map[string]string }); ok {
		maps.Copy(vars, v.Vars())
	}
	exited := -1
	parser, err := kong.New(grammar, kong.Name(name), kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: WidestHelp}), kong.Description(description), kong.Vars(vars),
		kong.Writers(s.Out, s.Err), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		return s.fail(name, err)
	}
	parsed, err := parser.Parse(joinNegatives(parser.Model, args))
	if exited >= 0 { // --help has said all there is to say
		return exited
	}
	if err != nil {
		return s.fail(name, &Error{Status: Usage, Err: fmt.Errorf("%s (%s --help tells more)", plain(err), name)})
	}
	ctx, stop := untilSignal(os.Exit)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(append(bind, s)...); err != nil {
		return s.fail(name, err)
	}
	return OK
}

// untilSignal is a context that the first interrupt or termination signal ends. The second one exits, with the status that a shell gives to a
// process that a signal has ended. It is counted rather than left to the system's default, which a second signal soon after the first would
// not find restored.
func untilSignal(exit func(status int)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-over:
			return
		}
		select {
		case again := <-signals:
			exit(exitOf(again))
		case <-over:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		cancel()
	}
}

func exitOf(s os.Signal) int {
	if s == os.Interrupt {
		return Interrupted
	}
	return Terminated
}

func (s Streams) fail(name string, err error) int {
	status := Failed
	if e, ok := errors.AsType[*Error](err); ok {
		status = e.Status
	} else if errors.Is(err, context.Canceled) {
		status, err = Interrupted, errors.New("interrupted")
	}
	parts := strings.Split(err.Error(), "\n") // joined errors have a line each
	for i, part := range parts {
		parts[i] = Clean(strings.TrimPrefix(part, name+": ")) // a library of the command's name begins its errors with it, too
	}
	_, _ = fmt.Fprintf(s.Err, "%s: %s\n", name, strings.Join(parts, "; "))
	return status
}
