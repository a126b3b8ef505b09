package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"saoma/backend/pay"
	"saoma/backend/server/dashboard"
)

type doctorCommand struct {
	Config string        `help:"The configuration." required:"" placeholder:"FILE"`
	Wait   time.Duration `help:"How long to wait for the callback of WeChat Pay's self-test." default:"20s" placeholder:"TIME"`
}

// Run looks at all that a configuration needs and prints what it finds. The server should run meanwhile: it receives the
// callback of the self-test. The error tells how much is broken.
func (c doctorCommand) Run(ctx context.Context, out io.Writer) error {
	p := printer{out: out, colours: isTerminal(out), lang: languageOf(os.Getenv)}
	d := doctor{file: c.Config, patience: c.Wait}
	d.examine(ctx, p.print)
	if p.err != nil {
		return fmt.Errorf("print what was found: %w", p.err)
	}
	if p.broken > 0 {
		return fmt.Errorf("%d of %d checks found something broken", p.broken, p.checks)
	}
	return nil
}

// isTerminal reports whether a person sees it, who has not asked for plain text (https://no-color.org).
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// languageOf is the language of who started the program, by the variables of POSIX.
func languageOf(env func(string) string) string {
	if strings.HasPrefix(cmp.Or(env("LC_ALL"), env("LC_MESSAGES"), env("LANG")), "zh") {
		return "zh-CN"
	}
	return "en"
}

// A printer prints checks, one below the other, under the name of their merchant.
type printer struct {
	out     io.Writer
	colours bool
	lang    string // zh-CN or en
	err     error

	merchant       pay.MerchantID
	checks, broken int
}

func (p *printer) print(c pay.Check) {
	if p.checks == 0 || c.Merchant != p.merchant {
		p.line("%s%s:\n", map[bool]string{true: "", false: "\n"}[p.checks == 0], cmp.Or(string(c.Merchant), "saoma"))
	}
	p.merchant = c.Merchant
	p.checks++
	if c.Result == pay.CheckBroken {
		p.broken++
	}
	p.line("  %s  %-15s  %s\n", p.result(c.Result), c.Name, dashboard.Say(p.lang, c.Found))
	if c.Todo != "" {
		p.line("  %7s  %-15s  → %s\n", "", "", dashboard.Say(p.lang, c.Todo))
	}
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

// result is the word for a result, seven columns wide.
func (p *printer) result(r pay.CheckResult) string {
	text := fmt.Sprintf("%-7s", map[pay.CheckResult]string{pay.CheckBroken: "BROKEN", pay.CheckWarning: "warning",
		pay.CheckSkipped: "skipped"}[r])
	colour := map[pay.CheckResult]int{pay.CheckOK: 32, pay.CheckWarning: 33, pay.CheckBroken: 31, pay.CheckSkipped: 90}[r]
	if r == pay.CheckOK {
		text = "ok     "
	}
	if !p.colours {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", colour, text)
}

// settingsCheck is the doctor's word on one merchant and on what the whole program needs, for the dashboard: what is to be
// mended comes first.
func (s *service) settingsCheck(ctx context.Context, m pay.MerchantID) (checks []pay.Check) {
	d := doctor{file: s.file, config: *s.inUse.Load(), patience: settingsPatience, only: m}
	d.examine(ctx, func(c pay.Check) { checks = append(checks, c) })
	slices.SortStableFunc(checks, func(a, b pay.Check) int { return cmp.Compare(severity(a.Result), severity(b.Result)) })
	return checks
}

// settingsPatience is how long a page of the dashboard waits for the callback of a self-test.
const settingsPatience = 8 * time.Second

// severity sorts what is to be mended first to the front.
func severity(r pay.CheckResult) int {
	return slices.Index([]pay.CheckResult{pay.CheckBroken, pay.CheckWarning, pay.CheckOK, pay.CheckSkipped}, r)
}
