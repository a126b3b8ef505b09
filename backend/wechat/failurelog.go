package wechat

import (
	"context"
	"errors"
	"log/slog"

	"saoma/backend/pay"
)

// logFailure writes one line about a call that failed. It leads from our own request, whose id the context holds, to
// the order and to the Request-ID that WeChat Pay's support asks for.
func (t *tries) logFailure(ctx context.Context, err error) {
	e, ok := errors.AsType[*pay.GatewayError](err)
	if !ok {
		return
	}
	level := slog.LevelWarn
	if e.Outcome == pay.Missing || ctx.Err() != nil { // a number that was never used; a caller who left
		level = slog.LevelInfo
	}
	fields := []slog.Attr{slog.String("op", t.op), slog.String("merchant", string(t.merchant))}
	about := pay.SubjectOf(ctx)
	for _, f := range []slog.Attr{
		slog.String("order", string(about.Order)), slog.String("out_trade_no", about.OutTradeNo),
		slog.String("refund", string(about.Refund)), slog.String("code", e.Code), slog.String("wechat_request_id", e.RequestID),
	} {
		if f.Value.String() != "" {
			fields = append(fields, f)
		}
	}
	t.log.LogAttrs(ctx, level, "wechat pay call failed",
		append(fields, slog.Int("status", e.Status), slog.Int("tries", t.made), slog.Any("error", e.Err))...)
}
