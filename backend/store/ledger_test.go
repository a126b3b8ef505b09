package store_test

import (
	"context"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// Reports are listed by merchant, the newest first; ledgers are read by time, each row once, also on a database with
// several writers.
func testReportsAndLedgers(t *testing.T, s *store.Store) {
	at := time.UnixMilli(1_700_000_000_000)
	err := s.Update(t.Context(), func(tx pay.Tx) error {
		for _, m := range []pay.MerchantID{"cafe", "bakery"} {
			for i, day := range []string{"2026-01-02", "2026-01-04", "2026-01-03"} {
				if err := tx.SaveReconciliation(t.Context(), pay.Reconciliation{Merchant: m, Day: day, Rows: int64(i)}); err != nil {
					return err
				}
				o := pay.Order{ID: pay.OrderID(string(m) + day), Token: pay.Token(string(m) + day), Merchant: m, State: pay.Created, Version: 1, Total: 1,
					Channel: pay.Native, CreatedAt: at, ExpiresAt: at}
				if err := tx.InsertOrder(t.Context(), o); err != nil {
					return err
				}
				if err := insertPaid(t.Context(), tx, o); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	days, orders := "", ""
	err = s.View(t.Context(), func(tx pay.Tx) error {
		for _, before := range []string{"", "2026-01-03"} {
			list, err := tx.Reconciliations(t.Context(), "cafe", before, 2)
			for _, r := range list {
				days += r.Day + " "
			}
			if err != nil {
				return err
			}
		}
		var err error
		orders, err = ledgerInPages(t.Context(), tx, pay.LedgerSpan{Merchant: "cafe", From: at, To: at.Add(time.Second), Limit: 2})
		if err != nil {
			return err
		}
		span := pay.LedgerSpan{Merchant: "cafe", From: at, To: at.Add(time.Second), Limit: 2}
		if list, err := tx.LedgerPayments(t.Context(), span); err != nil || len(list) != 2 || list[0].OutTradeNo != "Pcafe2026-01-02" || list[0].Total != 1 {
			t.Errorf("payments %v, %v", list, err)
		}
		if list, err := tx.LedgerRefunds(t.Context(), span); err != nil || len(list) != 2 || list[1].ID != "Rcafe2026-01-03" || list[1].Reason != "=1+1" {
			t.Errorf("refunds %v, %v", list, err)
		}
		return nil
	})
	if err != nil || days != "2026-01-04 2026-01-03 2026-01-02 " || orders != "cafe2026-01-02 cafe2026-01-03 cafe2026-01-04 " {
		t.Errorf("the days are %q, the orders %q, %v", days, orders, err)
	}
}

// insertPaid writes a payment of an order, and a refund of it that WeChat Pay has taken.
func insertPaid(ctx context.Context, tx pay.Tx, o pay.Order) error {
	a := pay.Attempt{OutTradeNo: "P" + string(o.ID), Order: o.ID, Merchant: o.Merchant, State: pay.AttemptOpen, Channel: o.Channel, Total: o.Total,
		CreatedAt: o.CreatedAt, ExpiresAt: o.ExpiresAt}
	if err := tx.InsertAttempt(ctx, a); err != nil {
		return err
	}
	a.State, a.PaidAt, a.TransactionID = pay.AttemptPaid, o.CreatedAt, "T"+string(o.ID)
	if err := tx.UpdateAttempt(ctx, a, pay.AttemptOpen); err != nil {
		return err
	}
	return tx.InsertRefund(ctx, pay.Refund{ID: pay.RefundID("R" + string(o.ID)), Order: o.ID, OutTradeNo: a.OutTradeNo, Merchant: o.Merchant,
		State: pay.RefundProcessing, Amount: 1, Reason: "=1+1", CreatedAt: o.CreatedAt, AcceptedAt: o.CreatedAt})
}

func ledgerInPages(ctx context.Context, tx pay.Tx, span pay.LedgerSpan) (ids string, err error) {
	for {
		list, err := tx.LedgerOrders(ctx, span)
		for _, o := range list {
			ids += string(o.ID) + " "
			span.After, span.AfterID = o.CreatedAt, string(o.ID)
		}
		if err != nil || len(list) < span.Limit {
			return ids, err
		}
	}
}
