package wechat

import (
	"net/http"
	"slices"
	"strconv"

	"saoma/backend/pay"
)

// knownCodes are WeChat Pay's error codes that are counted by name (docs 4012791877, 4012791880, 4012791881,
// 4013070371, 4013071036). A new one is counted as "other": names from outside must not make counters without end.
var knownCodes = []string{
	"ACCOUNT_ERROR", "APPID_MCHID_NOT_MATCH", "BANK_ERROR", "FREQUENCY_LIMITED", "INVALID_REQUEST", "INVALID_TRANSACTIONID",
	"MCH_NOT_EXISTS", "NOT_ENOUGH", "NO_AUTH", "NO_STATEMENT_EXIST", "OPENID_MISMATCH", "ORDER_CLOSED", "ORDER_NOT_EXIST",
	"OUT_TRADE_NO_USED", "ORDERPAID", "PARAM_ERROR", "RATELIMIT_EXCEEDED", "REQUEST_BLOCKED", "RESOURCE_ALREADY_EXISTS",
	"RESOURCE_NOT_EXISTS", "RULE_LIMIT", "SERVICE_UNAVAILABLE", "SIGN_ERROR", "STATEMENT_CREATING", "SYSTEM_ERROR",
	"TRADE_ERROR", "USER_ACCOUNT_ABNORMAL",
}

// resultOf says in a word how a try ended, for counters.
func resultOf(failed *pay.GatewayError) string {
	switch {
	case failed == nil:
		return "ok"
	case slices.Contains(knownCodes, failed.Code):
		return failed.Code
	case failed.Code != "":
		return "other"
	case failed.Status == 0:
		return "no_answer"
	case failed.Status == http.StatusOK || failed.Status == http.StatusNoContent:
		return "not_verified"
	}
	return "http_" + strconv.Itoa(failed.Status/100) + "xx"
}
