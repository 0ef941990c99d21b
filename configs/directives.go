package configs

// A Directive is one line that a configuration can have.
type Directive struct {
	Name    string
	Type    string // as the manual names it
	Default any    // a string, a bool or a []string, as the file gives it
	Doc     string // plain sentences
	set     func(*Config, any) error
}

// Directives returns every directive in the order of the example and the
// manual. This table is the only place that describes them.
func Directives() []Directive {
	return []Directive{
		{
			"poll", "schedule", "@every 5m",
			"When calendars are looked at: \"@every\" and a duration, or the five fields of cron (minute, hour, day of month, " +
				"month, day of week). Each calendar keeps its own small offset, so that they do not all come at once.",
			text(func(c *Config, s string) error { c.Poll = s; return checkSchedule(s) }),
		}, {
			"zone", "time zone", "",
			"The time zone of all-day events, such as \"Europe/Berlin\", for accounts that name none. Empty: the calendar's own, " +
				"else the system's.",
			text(func(c *Config, s string) (err error) { c.Zone, err = parseZone(s); return err }),
		}, {
			"lang", "language", "en",
			"The language of messages, such as \"de\", for accounts that name none.",
			text(func(c *Config, s string) error { c.Lang = s; return nil }),
		}, {
			"message", "template", "",
			"What contacts read while somebody is away, for accounts that name none: a Go template, such as " +
				"\"Back on {{.Return}}.\". Empty: a sentence in the account's language that tells the times and nothing else.",
			text(func(c *Config, s string) error { c.Message = s; return nil }),
		}, {
			"message_from_event", "true or false", false,
			"Whether the description of a person's own event may carry the message: what follows \"OOO:\" at the beginning of a " +
				"line, up to the next empty line, as it is. Never that of a private event.",
			boolean(func(c *Config) *bool { return &c.MessageFromEvent }),
		}, {
			"work_days", "days", "Mon-Fri",
			"The days of work, as days and ranges of days: \"Mon-Thu,Sat\".",
			text(func(c *Config, s string) (err error) { c.WorkDays, err = ParseWorkDays(s); return err }),
		}, {
			"work_hours", "hours", "08:00-18:00",
			"The hours of work on these days. What lies outside counts as night; an end before the start is on the next day.",
			text(func(c *Config, s string) (err error) { c.WorkStart, c.WorkEnd, err = ParseWorkHours(s); return err }),
		}, {
			"bridge", "true or false", true,
			"Whether absences with only nights and days off between them are told as one.",
			boolean(func(c *Config) *bool { return &c.Bridge }),
		}, {
			"min_duration", "duration", "4h",
			"How long an event with times must be for a word in its title to make it an absence. All-day events are never too short.",
			text(func(c *Config, s string) (err error) { c.MinDuration, err = ParseDuration(s); return err }),
		}, {
			"words", "list of strings", []string{},
			"More words that make an event an absence when its title has one of them, beside the built-in ones " +
				"(vacation, Urlaub, congé and their like).",
			list(func(c *Config) *[]string { return &c.Words }),
		}, {
			"categories", "list of strings", []string{},
			"More categories that make an event an absence, beside the built-in ones.",
			list(func(c *Config) *[]string { return &c.Categories }),
		}, {
			"audience", "presence, open or group:NAME", "presence",
			"Who can see messages, for accounts that do not say: \"presence\", those who may see when the person is online; " +
				"\"open\", everybody; \"group:NAME\", the contacts in that group of each person's roster, where the server can do that.",
			text(func(c *Config, s string) error { c.Audience = s; return checkAudience(s) }),
		}, {
			"presence", "true or false", true,
			"Whether the person is also shown as away, with the message as status text, while a message is visible. " +
				"It is what clients without XEP-0109 show. To the audience \"group:NAME\" goes no text: presence reaches all contacts.",
			boolean(func(c *Config) *bool { return &c.Presence }),
		}, {
			"activity", "true or false", true,
			"Whether the person's activity (XEP-0108) is also set to being on vacation, with the message as text, while a message " +
				"is visible and as far as no others can see it. What the person had set is put back at the end. Never done for " +
				"the audience \"group:NAME\".",
			boolean(func(c *Config) *bool { return &c.Activity }),
		}, {
			"messages", "true or false", true,
			"Whether a person is told in an XMPP message to themselves what keeps their account from working, such as a calendar " +
				"that refuses the login, and that it works again.",
			boolean(func(c *Config) *bool { return &c.Messages }),
		}, {
			"notify_jid", "JID", "",
			"Who is told what a person cannot be: that the login of their own account fails. Also what is wrong with this " +
				"machine, such as its clock. Empty: nobody; awayd status and awayd log tell it.",
			text(func(c *Config, s string) (err error) { c.Notify.JID, err = parseJID(s); return err }),
		}, {
			"notify_from", "JID", "",
			"The account that awayd logs in to for telling them. Empty: notify_jid itself, which then tells itself.",
			text(func(c *Config, s string) (err error) { c.Notify.From, err = parseJID(s); return err }),
		}, {
			"notify_password_file", "file", "",
			"The file with the password of that account, to be read by the user awayd. Empty: the credential " +
				"awayd.notify_password of the systemd unit.",
			text(func(c *Config, s string) error { c.Notify.PasswordFile = s; return checkAbsolute(s) }),
		}, {
			"notify_address", "HOST:PORT", "",
			"Where its server is. Empty: what DNS (SRV) says.",
			text(func(c *Config, s string) error { c.Notify.Address = s; return checkHostPort(s) }),
		}, {
			"notify_tls_ca", "file", "",
			"A file with the certificates (PEM) of a private CA of that server.",
			text(func(c *Config, s string) error { c.Notify.TLSCA = s; return checkAbsolute(s) }),
		}, {
			"web", "address", "",
			"Where the web page listens: a port on loopback such as \"127.0.0.1:8109\", or \"unix:/run/awayd/web.sock\" for a " +
				"reverse proxy with TLS, which must leave paths as they are. Empty: there is no page. `awayd web` prints a link into it.",
			text(func(c *Config, s string) (err error) { c.Web, err = parseWeb(s); return err }),
		}, {
			"web_url", "URL", "",
			"How the page is reached from outside, through that proxy: \"https://ooo.example.org/awayd/\".",
			text(func(c *Config, s string) (err error) { c.WebURL, err = parseWebURL(s); return err }),
		}, {
			"metrics", "address", "",
			"Where Prometheus may ask for metrics, at /metrics: \"127.0.0.1:9119\", or \"unix:/run/awayd/metrics.sock\". They name " +
				"nobody, but tell when somebody's next message begins or ends. Empty: nowhere.",
			text(func(c *Config, s string) (err error) {
				c.Metrics, err = parseAddress(s, "127.0.0.1:9119", "unix:/run/awayd/metrics.sock")
				return err
			}),
		}, {
			"log_level", "debug, info, warn or error", "info",
			"How much the daemon tells of itself on standard error.",
			text(func(c *Config, s string) error {
				if err := oneOf(s, "debug", "info", "warn", "error"); err != nil {
					return err
				}
				return c.LogLevel.UnmarshalText([]byte(s))
			}),
		}, {
			"log_format", "text or json", "text",
			"The form of these lines, from the next start on.",
			text(func(c *Config, s string) error { c.LogFormat = s; return oneOf(s, "text", "json") }),
		}, {
			"log_retention", "duration", "365d",
			"How long entries of the sync log (awayd log) are kept. \"0\": for ever.",
			text(func(c *Config, s string) (err error) { c.LogRetention, err = ParseDuration(s); return err }),
		},
	}
}

// text, boolean and list make a set of what they are given. The reader has
// compared the type of the value with that of the default before.
func text(set func(*Config, string) error) func(*Config, any) error {
	return func(c *Config, v any) error { return set(c, v.(string)) }
}

func boolean(field func(*Config) *bool) func(*Config, any) error {
	return func(c *Config, v any) error { *field(c) = v.(bool); return nil }
}

func list(field func(*Config) *[]string) func(*Config, any) error {
	return func(c *Config, v any) error { *field(c) = v.([]string); return checkWords(v.([]string)) }
}
