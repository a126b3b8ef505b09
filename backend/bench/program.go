package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// build makes the program as it is installed.
func (b *bench) build(ctx context.Context) error {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	b.program = filepath.Join(b.dir, "saoma")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.program, "./backend")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// A process is the running program.
type process struct {
	cmd     *exec.Cmd
	log     *bytes.Buffer
	address string
	ready   time.Duration // from the start to the first good answer of /readyz
}

// start runs the program with a configuration and waits until it is ready. Its profile bears the name; without one there
// is none.
func (b *bench) start(ctx context.Context, name, config, address string) (*process, error) {
	args := []string{"-config", config, "-listen", address, "-drain", "0s"}
	if b.profiles != "" && name != "" {
		args = append(args, "-cpuprofile", filepath.Join(b.profiles, name+".pprof"))
	}
	p := &process{cmd: exec.CommandContext(ctx, b.program, args...), log: &bytes.Buffer{}, address: address}
	p.cmd.Stderr = p.log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = time.Minute
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := began.Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		res, err := client.Get("http://" + address + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode < 300 {
				p.ready = time.Since(began)
				return p, nil
			}
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("the program does not get ready: %s", p.log), p.stop())
		}
	}
}

// stop ends the program in the ordinary way.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		said := p.log.String()
		return fmt.Errorf("the program ended: %w\n%s", err, said[max(0, len(said)-2000):])
	}
	return nil
}

// memory is what the process has in memory, in KB.
func (p *process) memory() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseFloat(strings.Fields(value)[0], 64)
		}
	}
	return 0, errors.New("the system does not tell a process's memory")
}

// spent returns what f takes of the cores: of the program, and of this process, which is the load and the simulator.
func (p *process) spent(f func() error) (server, load time.Duration, err error) {
	before, err := p.processorTime()
	if err != nil {
		return 0, 0, err
	}
	ownBefore, err := ownTime()
	if err != nil {
		return 0, 0, err
	}
	if err := f(); err != nil {
		return 0, 0, err
	}
	after, err := p.processorTime()
	if err != nil {
		return 0, 0, err
	}
	own, err := ownTime()
	return after - before, own - ownBefore, err
}

// processorTime is what the process has had of the cores since its start.
func (p *process) processorTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name stands in brackets and may hold anything; utime and stime are the fields 14 and 15 (proc(5)).
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system, tick = 14 - 3, 15 - 3, 10 * time.Millisecond
	var ticks int64
	for _, field := range []int{user, system} {
		if field >= len(fields) {
			return 0, fmt.Errorf("the system does not tell a process's time: %.200s", text)
		}
		n, err := strconv.ParseInt(fields[field], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// ownTime is what this process has had of the cores: the load, and the simulator.
func ownTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("ask for the time of this process: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// memoryAtRest waits until the process has given back what it does not need any more.
func (p *process) memoryAtRest() (least float64, err error) {
	const calm = 12 * time.Second // twice as long as the program takes to see that nothing goes on
	for since := time.Now(); time.Since(since) < calm; time.Sleep(250 * time.Millisecond) {
		now, err := p.memory()
		if err != nil {
			return 0, err
		}
		if least == 0 || now < 0.98*least {
			least, since = now, time.Now()
		}
	}
	return p.memory()
}

// freeAddress finds one that the program may take.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// fetch asks for a page and returns it with its status.
func fetch(ctx context.Context, client *http.Client, method, url, body string, header map[string]string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, errors.Join(err, res.Body.Close())
}
