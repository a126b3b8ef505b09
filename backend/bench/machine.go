package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// probes are what this machine can do just now with the bare engines that the program stands on.
type probes struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	Load  string `json:"load_before"`

	FsyncsPerSecond    float64 `json:"fsyncs_per_second"` // 4 KiB overwritten in a file, and fdatasync
	FsyncP99           float64 `json:"fsync_p99_ms"`
	SignMicroseconds   float64 `json:"rsa_sign_us"` // RSA-2048, one core
	VerifyMicroseconds float64 `json:"rsa_verify_us"`
	GroupCommits       float64 `json:"sqlite_changes_per_second"` // an update and an insert each, 256 producers, full sync
	EchoP50            float64 `json:"echo_p50_ms"`               // a bare gorilla/websocket, 1,000 messages a second
	EchoP99            float64 `json:"echo_p99_ms"`
	SocketKB           float64 `json:"socket_kb"` // of one, by the usual recipe: two goroutines, default buffers
}

func (p probes) String() string {
	return fmt.Sprintf("%s, %d cores, %s, load before %s\n"+
		"fsync %s/s, p99 %s ms; RSA-2048 sign %s µs, verify %s µs a core; SQLite group commit %s changes/s;\n"+
		"bare gorilla: echo p50 %s ms, p99 %s ms; %s KB a socket",
		p.CPU, p.Cores, p.Go, p.Load, number(p.FsyncsPerSecond), number(p.FsyncP99), number(p.SignMicroseconds),
		number(p.VerifyMicroseconds), number(p.GroupCommits), number(p.EchoP50), number(p.EchoP99), number(p.SocketKB))
}

// signaturesPerSecond is how many pairs of signatures and verifications all cores make.
func (p probes) signaturesPerSecond() float64 {
	return float64(p.Cores) * 1e6 / (p.SignMicroseconds + p.VerifyMicroseconds)
}

func (p probes) verificationsPerSecond() float64 {
	return float64(p.Cores) * 1e6 / p.VerifyMicroseconds
}

func probe(ctx context.Context, dir string) (p probes, err error) {
	p = probes{CPU: "an unknown CPU", Cores: runtime.NumCPU(), Go: runtime.Version()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				p.CPU = strings.TrimSpace(value)
			}
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		p.Load, _, _ = strings.Cut(string(text), " ")
	}
	for _, step := range []func() error{
		func() error { return p.fsync(dir) }, p.rsa,
		func() error { return p.groupCommit(ctx, dir) },
		func() error { return p.echo(ctx) }, func() error { return p.sockets(ctx) },
	} {
		if err := step(); err != nil {
			return p, fmt.Errorf("probe the machine: %w", err)
		}
	}
	return p, nil
}

// fsync overwrites blocks of a file that is there already, as SQLite does with its log.
func (p *probes) fsync(dir string) (err error) {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	const blocks, size = 256, 4096
	block := make([]byte, size)
	if _, err := f.Write(make([]byte, blocks*size)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	var times []time.Duration
	for began := time.Now(); time.Since(began) < time.Second; {
		one := time.Now()
		if _, err := f.WriteAt(block, int64(len(times)%blocks*size)); err != nil {
			return err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return err
		}
		times = append(times, time.Since(one))
	}
	p.FsyncsPerSecond = float64(len(times))
	p.FsyncP99 = milliseconds(percentile(times, 99))
	return nil
}

func (p *probes) rsa() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(filepath.Base(os.Args[0])))
	var signature []byte
	if p.SignMicroseconds, err = each(500*time.Millisecond, func() (err error) {
		signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
		return err
	}); err != nil {
		return err
	}
	p.VerifyMicroseconds, err = each(500*time.Millisecond, func() error {
		return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature)
	})
	return err
}

// each returns how many microseconds one call takes, by as many as fit into the time.
func each(while time.Duration, f func() error) (float64, error) {
	began, n := time.Now(), 0
	for ; time.Since(began) < while; n++ {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(began).Microseconds()) / float64(n), nil
}
