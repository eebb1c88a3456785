package measure_test

import (
	"testing"
	"time"

	"github.com/weir-go/weir/bench/measure"
)

func TestParseInfo(t *testing.T) {
	const text = "# CPU\r\nused_cpu_sys:1.500000\r\nused_cpu_user:0.250000\r\nused_cpu_sys_children:9.000000\r\n" +
		"used_cpu_sys_main_thread:1.400000\r\n\r\n# Commandstats\r\n" +
		"cmdstat_evalsha:calls=12,usec=345,usec_per_call=28.75,rejected_calls=0,failed_calls=1\r\n" +
		"cmdstat_config|get:calls=1,usec=2,usec_per_call=2.00,rejected_calls=0,failed_calls=0\r\n"
	cpu, commands := measure.ParseInfo(text)
	if want := 1750 * time.Millisecond; cpu != want {
		t.Errorf("%v of CPU, want %v", cpu, want)
	}
	if got, want := commands["evalsha"], (measure.Command{Calls: 12, Micros: 345}); got != want {
		t.Errorf("the command evalsha is %+v, want %+v", got, want)
	}
	if len(commands) != 2 {
		t.Errorf("%d commands, want 2", len(commands))
	}
}
