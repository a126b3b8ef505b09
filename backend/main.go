// Saoma (扫码) is the server of a WeChat scan-to-pay checkout.
//
//	saoma                        the demo: server, a shop and a WeChat Pay simulator, without any set-up
//	saoma -config saoma.toml     the server, for the merchants in the file
//	saoma sim -dir DIR           the simulator alone, for tests of any WeChat Pay code
//	saoma reconcile -config saoma.toml -date 2026-11-23
//	saoma verify -config saoma.toml
//	saoma doctor -config saoma.toml
//	saoma backup -config saoma.toml -to saoma-2026-11-23.db
//	saoma restore -config saoma.toml -from saoma-2026-11-23.db
//	saoma migrate -from sqlite:saoma.db -to postgres://…
//	saoma staff add -config saoma.toml -name li -role owner
//	saoma version
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// A commandLine is all that can be said on the command line.
type commandLine struct {
	Serve     serveCommand     `cmd:"" default:"withargs" help:"Serve the merchants of a configuration, or the demo without one (default)."`
	Sim       simCommand       `cmd:"" help:"Run the WeChat Pay simulator alone."`
	Reconcile reconcileCommand `cmd:"" help:"Compare WeChat Pay's bill of a day with the books."`
	Verify    verifyCommand    `cmd:"" help:"Check that nobody has altered the history of the orders."`
	Staff     staffCommand     `cmd:"" help:"Look after who may sign in to the dashboard."`
	Doctor    doctorCommand    `cmd:"" help:"Look at everything that a configuration needs, and say what to mend."`
	Backup    backupCommand    `cmd:"" help:"Copy the database, also while the server runs, and verify the copy."`
	Restore   restoreCommand   `cmd:"" help:"Put a backup in the place of the database."`
	Migrate   migrateCommand   `cmd:"" help:"Copy the books from SQLite to PostgreSQL, and check the copy."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

type serveCommand struct {
	Config   string        `help:"The configuration, a TOML file. Without it the demo is started." placeholder:"FILE"`
	Listen   string        `help:"Address to listen on, in place of the configuration's. Port 0 takes a free one." placeholder:"ADDR"`
	Drain    time.Duration `help:"How long to go on serving after SIGTERM, while /readyz says 503, for load balancers to notice." default:"2s" placeholder:"TIME"`
	DemoShop string        `help:"The demo's shop." default:"127.0.0.1:8081" placeholder:"ADDR"`
	DemoSim  string        `help:"The demo's simulator of WeChat Pay." default:"127.0.0.1:8082" placeholder:"ADDR"`
	Data     string        `help:"The demo's data folder." placeholder:"DIR"`
	Profile  string        `name:"cpuprofile" help:"Write a CPU profile for go tool pprof, until the program ends." placeholder:"FILE"`
}

func (c serveCommand) Run(ctx context.Context, out io.Writer) (err error) {
	stop, err := profile(c.Profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := limitMemory(); err != nil {
		return err
	}
	go new(tidier).run(ctx)
	if c.Config == "" {
		return runDemo(ctx, c, out)
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	return runServer(ctx, c, log, out)
}

type versionCommand struct{}

func (versionCommand) Run(out io.Writer) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this program was built without its version")
	}
	_, err := fmt.Fprintln(out, "saoma", info.Main.Version, info.GoVersion)
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "saoma:", err)
		os.Exit(1)
	}
}

// run does what the command line says until it is done or ctx ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	var c commandLine
	parser, err := kong.New(&c, kong.Name("saoma"),
		kong.Description("WeChat scan-to-pay that any page can embed with one script tag."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(out, (*io.Writer)(nil)))
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	k, err := parser.Parse(doubleDashes(args))
	if err != nil {
		return err
	}
	return k.Run()
}

// doubleDashes lets flags be written with one dash, as Go programs do: -config is --config.
func doubleDashes(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if len(a) > 2 && a[0] == '-' && !strings.HasPrefix(a, "--") {
			a = "-" + a
		}
		out[i] = a
	}
	return out
}
