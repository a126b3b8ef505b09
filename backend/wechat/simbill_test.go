package wechat

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// Bubbles begin on 2000-01-01 at 8 o'clock in Beijing.
const bubbleDay = "2000-01-01"

// nextMorning waits until the bills of the day can be had.
func nextMorning() { time.Sleep(27 * time.Hour) }

func (s *till) trades(t *testing.T, day string) ([]pay.BillRow, pay.BillSums, error) {
	t.Helper()
	var rows []pay.BillRow
	sums, err := s.TradeBill(t.Context(), cafe, day, func(r pay.BillRow) error {
		rows = append(rows, r)
		return nil
	})
	return rows, sums, err
}

// cafeDay sells two coffees and takes one back in part. It returns the rows that the bill must have.
func (s *till) cafeDay(t *testing.T) []pay.BillRow {
	t.Helper()
	var rows []pay.BillRow
	// What the payer reads has all that could break a table.
	for i, description := range []string{"拿铁,`大杯`, \"热\" \\ '甜'", "茶\r\n,\t`"} {
		sold := s.sell(t, fmt.Sprintf("ORDER000%d", i), description)
		rows = append(rows, pay.BillRow{
			At: sold.PaidAt.Truncate(time.Second), AppID: s.sim.Merchant().AppID, MchID: s.sim.Merchant().MchID,
			TransactionID: sold.TransactionID, OutTradeNo: sold.OutTradeNo, Total: 2800,
		})
		time.Sleep(time.Hour)
		if i > 0 {
			continue
		}
		report, err := s.Refund(t.Context(), cafe, s.compose(t, sold, 1000))
		if err != nil {
			t.Fatal(err)
		}
		refund := rows[0]
		refund.At, refund.Total = time.Now().Truncate(time.Second), 0
		refund.Refund, refund.RefundID, refund.WeChatID, refund.RefundAmount = true, refundID, report.WeChatID, 1000
		rows = append(rows, refund)
	}
	return rows
}

func TestSimulatorBills(t *testing.T) {
	inBubble(t, func(t *testing.T, s *till) {
		before := s.sim.Balance()
		want := s.cafeDay(t)
		_, _, err := s.trades(t, bubbleDay)
		if err == nil || errors.Is(err, pay.ErrNoBill) {
			t.Errorf("on the same day: %v, want an error that is not final", err)
		}
		time.Sleep(20 * time.Hour) // about 6 o'clock
		_, _, err = s.trades(t, bubbleDay)
		if !errors.Is(err, pay.ErrBillNotReady) {
			t.Errorf("too early: %v, want %v", err, pay.ErrBillNotReady)
		}
		nextMorning()
		rows, sums, err := s.trades(t, bubbleDay)
		if err != nil {
			t.Fatal(err)
		}
		wantRows(t, rows, want)
		if want := (pay.BillSums{Rows: 3, Total: 5600, Refunds: 1000}); sums != want {
			t.Errorf("sums %+v, want %+v", sums, want)
		}
		funds, err := s.FundFlow(t.Context(), cafe, bubbleDay)
		if err != nil || funds.Ins != 2 || funds.In != 5600 || funds.Rows != funds.Ins+funds.Outs {
			t.Errorf("funds %+v, %v", funds, err)
		}
		if grown := s.sim.Balance() - before; grown != int64(funds.In-funds.Out) {
			t.Errorf("the account has grown by %d fen, by the bill by %d", grown, funds.In-funds.Out)
		}
		time.Sleep(24 * time.Hour)
		_, _, err = s.trades(t, "2000-01-02")
		_, fundErr := s.FundFlow(t.Context(), cafe, "2000-01-02")
		if !errors.Is(err, pay.ErrNoBill) || !errors.Is(fundErr, pay.ErrNoBill) {
			t.Errorf("a day without trades: %v, %v, want %v", err, fundErr, pay.ErrNoBill)
		}
	})
}

// A bill names the channel of each payment, JSAPI and MWEB beside NATIVE, and all of them are rows like any other.
func TestSimulatorBillOfAllChannels(t *testing.T) {
	inBubble(t, func(t *testing.T, s *till) {
		native := s.sell(t, "ORDER0000", "拿铁")
		id := s.prepay(t, "ORDER0001", pay.Way{Channel: pay.JSAPI, OpenID: s.sim.LogIn("小红")})
		call, err := s.Bridge(cafe, id)
		if err != nil {
			t.Fatal(err)
		}
		jsapi, err := s.sim.PayJSAPI(wechatsim.BridgeCall(call), "")
		if err != nil {
			t.Fatal(err)
		}
		s.prepay(t, "ORDER0002", pay.Way{Channel: pay.H5, ClientIP: "203.0.113.9"})
		h5, err := s.sim.PayH5(s.sim.Trades()[0].PrepayID, "")
		if err != nil {
			t.Fatal(err)
		}
		var want []pay.BillRow
		for _, sold := range []wechatsim.Trade{native, jsapi, h5} {
			want = append(want, pay.BillRow{
				At: sold.PaidAt.Truncate(time.Second), AppID: s.sim.Merchant().AppID, MchID: s.sim.Merchant().MchID,
				TransactionID: sold.TransactionID, OutTradeNo: sold.OutTradeNo, Total: 2800,
			})
		}
		if types := native.TradeType + " " + jsapi.TradeType + " " + h5.TradeType; types != "NATIVE JSAPI MWEB" {
			t.Fatalf("the trades are of %s", types)
		}
		nextMorning()
		rows, sums, err := s.trades(t, bubbleDay)
		if err != nil {
			t.Fatal(err)
		}
		wantRows(t, rows, want)
		if want := (pay.BillSums{Rows: 3, Total: 8400}); sums != want {
			t.Errorf("sums %+v, want %+v", sums, want)
		}
	})
}

// prepay has an order of another channel than the till's opened at WeChat Pay.
func (s *till) prepay(t *testing.T, number string, w pay.Way) (result string) {
	t.Helper()
	request, err := s.Compose(pay.Prepay{
		Merchant: cafe, OutTradeNo: number, Total: 2800, Description: "茶", ExpiresAt: time.Now().Add(15 * time.Minute), Way: w,
	})
	if err == nil {
		result, err = s.Prepay(t.Context(), cafe, w.Channel, request)
	}
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestSimulatorBillFaults(t *testing.T) {
	for name, test := range map[string]struct {
		faults wechatsim.Faults
		code   string
		known  error // what the error must be, beside a GatewayError
	}{
		"wrong hash":  {wechatsim.Faults{BillFile: wechatsim.BillFaults{WrongHash: 1}}, "", nil},
		"expired URL": {wechatsim.Faults{BillFile: wechatsim.BillFaults{ExpiredURL: 1}}, "INVALID_REQUEST", nil},
		"creating": {wechatsim.Faults{BillFile: wechatsim.BillFaults{Creating: 1}}, "STATEMENT_CREATING",
			pay.ErrBillNotReady},
		"unavailable":  {wechatsim.Faults{Bill: wechatsim.CallFaults{Unavailable: 1}}, "SERVICE_UNAVAILABLE", nil},
		"forged":       {wechatsim.Faults{Bill: wechatsim.CallFaults{BadSignature: 1}}, "", nil},
		"hangs":        {wechatsim.Faults{Bill: wechatsim.CallFaults{HangBefore: 1}}, "", nil},
		"no download":  {wechatsim.Faults{Download: wechatsim.CallFaults{ErrorBefore: 1}}, "SYSTEM_ERROR", nil},
		"waits for it": {wechatsim.Faults{Download: wechatsim.CallFaults{HangBefore: 1}}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *till) {
				want := s.cafeDay(t)
				nextMorning()
				s.sim.SetFaults(test.faults)
				rows, sums, err := s.trades(t, bubbleDay)
				if err == nil || len(rows) > 0 || sums != (pay.BillSums{}) {
					t.Fatalf("%d rows, %+v, %v, want an error and nothing else", len(rows), sums, err)
				}
				wantSafe(t, err)
				if e := gatewayError(t, err); e.Code != test.code || test.known != nil && !errors.Is(err, test.known) {
					t.Errorf("%v, want code %q, error %v", err, test.code, test.known)
				}
				if rows, _, err = s.trades(t, bubbleDay); err != nil {
					t.Fatalf("once more: %v", err)
				}
				wantRows(t, rows, want)
			})
		})
	}
}

func TestSimulatorOldBills(t *testing.T) {
	inBubble(t, func(t *testing.T, s *till) {
		want := s.cafeDay(t)
		nextMorning()
		s.sim.SetFaults(wechatsim.Faults{BillFile: wechatsim.BillFaults{OldLayout: 2}})
		rows, sums, err := s.trades(t, bubbleDay)
		if err != nil {
			t.Fatal(err)
		}
		wantRows(t, rows, want)
		if want := (pay.BillSums{Rows: 3, Total: 5600, Refunds: 1000}); sums != want {
			t.Errorf("sums %+v, want %+v", sums, want)
		}
		if funds, err := s.FundFlow(t.Context(), cafe, bubbleDay); err != nil || funds.In != 5600 {
			t.Errorf("funds %+v, %v", funds, err)
		}
	})
}

func TestSimulatorCrowd(t *testing.T) {
	inBubble(t, func(t *testing.T, s *till) {
		const crowd = 20_000
		start := time.Now()
		s.sim.AddPaid(crowd, func(i int) wechatsim.Trade {
			return wechatsim.Trade{
				OutTradeNo: fmt.Sprintf("CROWD%d", i), TransactionID: fmt.Sprintf("42%026d", i), Total: int64(i + 1),
				PaidAt: start.Add(time.Duration(i) * time.Second), Description: "面",
			}
		})
		nextMorning()
		n := 0
		sums, err := s.TradeBill(t.Context(), cafe, bubbleDay, func(r pay.BillRow) error {
			if r.OutTradeNo != fmt.Sprintf("CROWD%d", n) || r.Total != pay.Fen(n+1) ||
				!r.At.Equal(start.Add(time.Duration(n)*time.Second)) {
				return fmt.Errorf("row %d is %+v", n, r)
			}
			n++
			return nil
		})
		if want := (pay.BillSums{Rows: crowd, Total: crowd * (crowd + 1) / 2}); err != nil || n != crowd || sums != want {
			t.Errorf("%d rows, %+v, %v, want %+v", n, sums, err, want)
		}
	})
}
