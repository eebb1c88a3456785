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
	Unreachable = 3 // Redis did not answer a command that only reads, or refused it
	Interrupted = 130
	Terminated  = 143 // a second SIGTERM ended the process
)

// Error is an error with an exit status.
type Error struct {
	Status int
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Usagef returns an error with the status [Usage]: a flag, an argument or a variable is wrong. The arguments are those of [fmt.Errorf].
func Usagef(format string, args ...any) error {
	return &Error{Status: Usage, Err: fmt.Errorf(format, args...)}
}

// Streams are the outputs of a command: Out for data, Err for everything else.
type Streams struct{ Out, Err io.Writer }

// WidestHelp is the largest width of a help text on a terminal, in columns. In a pipe the width is 80.
const WidestHelp = 100

// Main parses the arguments of a command into grammar, runs the selected subcommand and returns the exit status. An error is
// one line on Err. The first interrupt or termination signal ends the context, the second one ends the process. The Run method
// of the subcommand may take the context, the streams and the values of bind as parameters.
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
	if exited >= 0 { // --help or --version has printed its text
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

// untilSignal returns a context that the first interrupt or termination signal ends. The second signal calls exit with the status that a shell
// reports for a process that this signal has ended. untilSignal counts the signals itself: if the first one restored the default of the system,
// a second one soon after it could come before that.
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
		parts[i] = Clean(strings.TrimPrefix(part, name+": ")) // a package may begin its errors with the same name as the command
	}
	_, _ = fmt.Fprintf(s.Err, "%s: %s\n", name, strings.Join(parts, "; "))
	return status
}
