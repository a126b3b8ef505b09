package wechat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"saoma/backend/pay"
)

var _ pay.BillGateway = (*Gateway)(nil)

// TradeBill implements [pay.BillGateway]. Rows of payments that were reversed (REVOKED) are not given out,
// though the sums count them: only payment codes are reversed, which we do not take, and such a row is
// neither money that stayed nor a refund. The sums are as the bill states them, not checked against the rows.
// When a row cannot be read, those before it have been given out: they are WeChat Pay's word all the same.
func (g *Gateway) TradeBill(
	ctx context.Context, m pay.MerchantID, day string, row func(pay.BillRow) error,
) (pay.BillSums, error) {
	const op = "trade bill"
	a := g.account(m)
	if a == nil {
		return pay.BillSums{}, noAccount(op, m)
	}
	file, err := g.bill(ctx, op, m, "/v3/bill/tradebill", day, "&bill_type=ALL&tar_type=GZIP"+a.subMchID("&"))
	if err != nil {
		return pay.BillSums{}, err
	}
	defer file.discard()
	var stopped error // what is the caller's own, not the bill's
	sums, err := readTrades(file, a.Account, func(r pay.BillRow) error {
		if stopped = ctx.Err(); stopped == nil {
			stopped = row(r)
		}
		return stopped
	})
	switch {
	case stopped != nil:
		return pay.BillSums{}, stopped
	case err != nil:
		return pay.BillSums{}, unreadable(op, err)
	}
	return sums, nil
}

// FundFlow implements [pay.BillGateway].
func (g *Gateway) FundFlow(ctx context.Context, m pay.MerchantID, day string) (pay.FundSums, error) {
	const op = "fund flow bill"
	file, err := g.bill(ctx, op, m, "/v3/bill/fundflowbill", day, "&account_type=BASIC&tar_type=GZIP")
	if err != nil {
		return pay.FundSums{}, err
	}
	defer file.discard()
	sums, err := readFunds(file)
	if err != nil {
		return pay.FundSums{}, unreadable(op, err)
	}
	return sums, nil
}

// unreadable is the failure of a bill that came as WeChat Pay made it and is not understood.
func unreadable(op string, err error) error {
	return &pay.GatewayError{Op: op, Outcome: pay.Unsure, Err: inOneLine(err)}
}

// bill fetches the file of a day's bill. The caller discards it.
func (g *Gateway) bill(ctx context.Context, op string, m pay.MerchantID, path, day, options string) (*spool, error) {
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return nil, &pay.GatewayError{
			Op: op, Outcome: pay.Refused, Err: fmt.Errorf("day %.40q must be like 2026-11-23", day),
		}
	}
	s, err := g.statement(ctx, op, m, path+"?bill_date="+day+options)
	if err != nil {
		return nil, statementTrouble(err)
	}
	return g.download(ctx, op+" download", m, s)
}

// statementTrouble gives the two answers that are no trouble at all their own errors (doc 4013071227).
func statementTrouble(err error) error {
	e, ok := errors.AsType[*pay.GatewayError](err)
	if !ok || e.Outcome != pay.Refused {
		return err
	}
	switch e.Code {
	case "STATEMENT_CREATING":
		e.Outcome, e.Err = pay.Unsure, pay.ErrBillNotReady
	case "NO_STATEMENT_EXIST":
		e.Err = pay.ErrNoBill
	}
	return e
}
