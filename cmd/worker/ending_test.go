package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/weir-go/weir/worker"
)

// TestHowLongAnEndTakes checks that the help, docs/operations.md, the log and docker-compose.yml have the same times as the code. TestEndIsBounded
// in the package worker checks that a replica ends within them.
func TestHowLongAnEndTakes(t *testing.T) {
	after := worker.AfterDrain + flushTime
	_, help, _ := run(t, nil, "serve", "--help")
	if want := fmt.Sprintf("The steps after the drain take %v at most", after); !strings.Contains(strings.Join(strings.Fields(help), " "), want) {
		t.Errorf("serve --help does not say %q:\n%s", want, help)
	}
	if want := fmt.Sprintf("The steps after the drain take %v s at most", after.Seconds()); !strings.Contains(read(t, "../../docs/operations.md"), want) {
		t.Errorf("docs/operations.md does not say %q", want)
	}
	s := serve(t, map[string]string{"WEIR_GRACE": "30ms"}) // with a drain of a minute
	if got, want := s.stderr.field(t, "listening", "ends_within", nil), (30*time.Millisecond + time.Minute + after).String(); got != want {
		t.Errorf("the log says %s, want %s", got, want)
	}
	var compose struct {
		Services map[string]struct {
			Environment map[string]string
			Stop        time.Duration `yaml:"stop_grace_period"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "../../docker-compose.yml")), &compose); err != nil {
		t.Fatal(err)
	}
	w := compose.Services["worker"]
	command, err := parsing(t)([]string{"serve"}, w.Environment)
	if err != nil {
		t.Fatal(err)
	}
	if need := command.endsWithin() + reserve; w.Stop < need {
		t.Errorf("docker-compose.yml: stop_grace_period is %v, want %v", w.Stop, need)
	}
}
