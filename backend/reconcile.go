package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"saoma/backend/pay"
)

type reconcileCommand struct {
	Config   string `help:"The configuration." required:"" placeholder:"FILE"`
	Date     string `help:"The day of the bill, in Beijing, as 2026-11-23." required:"" placeholder:"DAY"`
	Merchant string `help:"One merchant; all without." placeholder:"ID"`
}

// Run compares the bills of a day with the books and prints what differs. The server may run beside it.
func (c reconcileCommand) Run(ctx context.Context, out io.Writer) (err error) {
	config, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	s, err := newService(ctx, config, slog.New(slog.NewTextHandler(os.Stderr, nil)), options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	found := false
	for _, m := range s.cashier.Merchants.All() {
		if c.Merchant != "" && string(m.ID) != c.Merchant {
			continue
		}
		found = true
		r, err := s.cashier.Reconcile(ctx, m.ID, c.Date)
		if err != nil {
			return err
		}
		if err := printReport(out, r); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("the configuration has no merchant %q", c.Merchant)
	}
	return nil
}

func printReport(out io.Writer, r pay.Reconciliation) error {
	_, err := fmt.Fprintf(out, "%s %s: %d rows, %d agree, %d differ; payments %s, refunds %s yuan\n",
		r.Merchant, r.Day, r.Rows, r.Agreeing, r.Differing, yuan(r.Payments), yuan(r.Refunds))
	for _, d := range r.Differences {
		if err == nil {
			_, err = fmt.Fprintf(out, "  %-15s order %s, out_trade_no %s, refund %s: ours %s, theirs %s, settled now: %t\n",
				d.Kind, d.Order, d.OutTradeNo, d.Refund, yuan(d.Ours), yuan(d.Theirs), d.Settled)
		}
	}
	return err
}

func yuan(f pay.Fen) string {
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	return fmt.Sprintf("%s%d.%02d", sign, f/100, f%100)
}

// reconcileLimit is how long one server may take over a bill before another takes it for dead.
const reconcileLimit = time.Hour

// reconcile makes the reports that are due, each on one server. A bill that is not ready yet is asked for again next time.
func (s *service) reconcile(ctx context.Context) {
	for _, m := range s.cashier.Merchants.All() {
		days, err := s.cashier.DueReconciliations(ctx, m.ID)
		if err != nil {
			s.log.Error("reconcile", "merchant", m.ID, "error", err)
			continue
		}
		for _, day := range days {
			_, err := s.cashier.Alone(ctx, fmt.Sprintf("reconcile %s %s", m.ID, day), reconcileLimit, func() error {
				s.reconcileDay(ctx, m.ID, day)
				return nil
			})
			if err != nil && ctx.Err() == nil {
				s.log.Error("reconcile", "merchant", m.ID, "day", day, "error", err)
			}
		}
	}
}

func (s *service) reconcileDay(ctx context.Context, m pay.MerchantID, day string) {
	r, err := s.cashier.Reconcile(ctx, m, day)
	switch {
	case errors.Is(err, pay.ErrBillNotReady):
		s.log.Info("the bill is not ready", "merchant", m, "day", day)
	case err != nil && ctx.Err() == nil:
		s.log.Error("reconcile", "merchant", m, "day", day, "error", err)
	case err == nil && r.Differing > 0:
		s.log.Error("bill and books differ", "merchant", m, "day", day, "rows", r.Rows, "differing", r.Differing)
	case err == nil:
		s.log.Info("reconciled", "merchant", m, "day", day, "rows", r.Rows)
	}
}
