// Bench measures the whole program on this machine and prints one table: each figure beside its target, and beside what
// the bare engine did in the same run, for the machine may be busy with other things.
//
//	go run ./backend/bench                       every row; the first time it makes books of a million orders, which it keeps
//	go run ./backend/bench callbacks push        some rows
//	go run ./backend/bench -cpuprofile DIR push  and what the server did meanwhile, for go tool pprof
//
// The server is the program as it is installed, in a process of its own. Whoever loads it shares its cores.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A measurement makes some rows.
type measurement struct {
	name, about string
	run         func(*bench, context.Context) error
}

// measurements are in the order of the table. Each can be run alone.
func measurements() []measurement {
	return []measurement{
		{"orders", "orders made by HTTP, the simulator answering", (*bench).orders},
		{"callbacks", "callbacks, as fast as they are answered", (*bench).callbacks},
		{"push", "from the callback to the browser's socket", (*bench).push},
		{"watchers", "what an idle browser costs", (*bench).watchers},
		{"million", "start, lists, searches and figures with many orders stored", (*bench).million},
		{"growth", "what one more order, watcher, merchant costs when there are many", (*bench).growth},
		{"servers", "from a callback at one server to a browser at another", (*bench).servers},
	}
}

// A bench is one run.
type bench struct {
	dir      string // keeps the program, the books and the results
	count    int    // orders of the large books
	long     bool
	profiles string // folder for profiles of the server; empty: none
	program  string
	probes   probes
	rows     []row
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	b := &bench{}
	out := flag.String("json", "", "file for the results; by default in the folder of -dir")
	flag.StringVar(&b.dir, "dir", ".bench", "folder for the program, the large books and the results")
	flag.IntVar(&b.count, "orders", 1_000_000, "how many orders the large books hold")
	flag.BoolVar(&b.long, "long", false, "measure four times as long")
	flag.StringVar(&b.profiles, "cpuprofile", "", "folder for CPU profiles of the server, one for each measurement")
	flag.Usage = usage
	flag.Parse()
	chosen, err := choose(flag.Args())
	if err != nil {
		return err
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	if *out == "" {
		*out = filepath.Join(b.dir, "bench.json")
	}
	limit := 30 * time.Minute // the first run makes the large books, which takes ten
	if b.long {
		limit *= 4
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return b.measure(ctx, chosen, *out)
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: go run ./backend/bench [flags] [rows]\n\nrows:")
	for _, m := range measurements() {
		fmt.Fprintf(os.Stderr, "  %-10s %s\n", m.name, m.about)
	}
	fmt.Fprintln(os.Stderr, "\nflags:")
	flag.PrintDefaults()
}

func choose(names []string) ([]measurement, error) {
	all := measurements()
	if len(names) == 0 {
		return all, nil
	}
	var some []measurement
	for _, name := range names {
		i := slices.IndexFunc(all, func(m measurement) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no row %q", name)
		}
		some = append(some, all[i])
	}
	return some, nil
}

func (b *bench) measure(ctx context.Context, chosen []measurement, out string) error {
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o700); err != nil {
			return err
		}
	}
	if err := b.build(ctx); err != nil {
		return err
	}
	var err error
	if b.probes, err = probe(ctx, b.dir); err != nil {
		return err
	}
	fmt.Println(b.probes)
	var errs []error
	for _, m := range chosen {
		began := time.Now()
		if err := m.run(b, ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
		fmt.Fprintf(os.Stderr, "%s: %.0f s\n", m.name, time.Since(began).Seconds())
	}
	b.print(os.Stdout)
	return errors.Join(append(errs, b.write(out))...)
}

// write keeps the results for programs.
func (b *bench) write(file string) error {
	text, err := json.MarshalIndent(struct {
		At      time.Time `json:"at"`
		Machine probes    `json:"machine"`
		Rows    []row     `json:"rows"`
	}{time.Now().UTC(), b.probes, b.rows}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	fmt.Println(strings.TrimSpace("also in " + file))
	return nil
}
