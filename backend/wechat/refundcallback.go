package wechat

import (
	"cmp"
	"net/http"
	"strings"

	"saoma/backend/pay"
)

// OpenRefund verifies, decrypts and decodes a refund callback (doc 4013071196), as [Gateway.OpenPayment] does
// with payments. Its errors are [*Rejection]s.
func (g *Gateway) OpenRefund(m pay.MerchantID, h http.Header, body []byte) (report pay.RefundReport, err error) {
	defer catch(&err)
	const prefix = "REFUND."
	a, opened, rejection := g.unseal(m, h, body, subject{
		kind: "refund", events: []string{prefix + "SUCCESS", prefix + "ABNORMAL", prefix + "CLOSED"},
	})
	if rejection != nil {
		return pay.RefundReport{}, rejection
	}
	r, err := decodeRefund([]byte(opened.text))
	if err != nil {
		return pay.RefundReport{}, rejected(Malformed, "%v", err)
	}
	switch {
	case cmp.Or(r.MchID, r.SpMchID) != a.MchID || r.SubMchID != a.SubMchID:
		return pay.RefundReport{}, rejected(Unexpected, "mchid is %.40q with sub_mchid %.40q, want %s with %q",
			cmp.Or(r.MchID, r.SpMchID), r.SubMchID, a.MchID, a.SubMchID)
	case r.RefundStatus != strings.TrimPrefix(opened.event, prefix):
		return pay.RefundReport{}, rejected(Unexpected, "refund_status is %.40q in a callback %s",
			r.RefundStatus, opened.event)
	}
	report, err = r.report(r.RefundStatus, opened.signedAt)
	if err != nil {
		return pay.RefundReport{}, rejected(Malformed, "%v", err)
	}
	report.Merchant, report.Source = m, pay.FromCallback
	return report, nil
}
