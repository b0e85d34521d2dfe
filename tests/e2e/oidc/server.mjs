// A local OpenID provider with the device flow (RFC 8628), rotating refresh tokens and revocation (RFC 7009).
//
// usage: server.mjs ISSUER LOG TOKENS CLIENT[,SETTING=NUMBER]...
//   access_token=3600, device_code=600   lifetimes in seconds
//   interval=5     the poll interval in the answer, in seconds; 0 leaves it out, which means 5
//   slow_down=0    answers this many polls with slow_down, even if they are slow
//   drop=0         closes the connections of this many first polls
//   delay=0        waits this many milliseconds before each answer to a refresh
//
// The login page accepts any account name. The file LOG gets one line of JSON for each event: code, poll, approved,
// denied, granted, refreshed, refused (with the reason) and revoked. An event names a token by its first letters. The
// file TOKENS gets a line ACCOUNT:TOKEN for each issued token.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import Provider from 'oidc-provider'

const [issuer, logFile, tokensFile, ...descriptions] = process.argv.slice(2)
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const DEFAULTS = { access_token: 3600, device_code: 600, interval: 5, slow_down: 0, drop: 0, delay: 0 }
const settings = Object.fromEntries(descriptions.map(describe))

const provider = new Provider(issuer, {
  clients: [
    ...Object.keys(settings).map((client_id) => ({
      client_id,
      client_name: 'Ensign',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: [DEVICE_CODE, 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    })),
    // The registry asks about access tokens as this client.
    { client_id: 'registry', client_secret: 'registry', grant_types: [], response_types: [], redirect_uris: [] },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'name'], email: ['email'] },
  findAccount: (_, name) => ({
    accountId: name,
    claims: () => ({ sub: name, preferred_username: name, name, email: `${name}@example.com` }),
  }),
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (_, token, client) => settings[client.clientId].access_token,
    DeviceCode: (_, code, client) => settings[client.clientId].device_code,
  },
  // The provider keeps expired codes for this many seconds, so that it answers a late poll with `expired_token` (RFC
  // 8628).
  clockTolerance: 60,
  features: {
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, form, _, error) => page(ctx, `<p>${error?.message ?? 'Enter the code of your device.'}</p>
        ${form}<button type="submit" form="op.deviceInputForm">Next</button>`),
      userCodeConfirmSource: (ctx, form, client, _, code) => page(ctx, `<p>${client.clientName} shows this code?</p>
        <code>${code}</code>${form}<button type="submit" form="op.deviceConfirmForm">Approve</button>
        <button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">Deny</button>`),
      successSource: (ctx) => page(ctx, '<p>You are signed in.</p>'),
    },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
})

provider.use(async (ctx, next) => {
  await next()
  const { route, client, params } = ctx.oidc ?? {}
  if (route === 'device_authorization' && ctx.status === 200) {
    const { interval } = settings[client.clientId]
    if (interval) ctx.body.interval = interval
    polls.set(ctx.body.device_code, { count: 0, interval: interval || 5, last: -Infinity })
  } else if (route === 'token' && ctx.body?.error === 'authorization_pending') {
    poll(ctx, settings[client.clientId], polls.get(params.device_code))
  } else if (route === 'token' && params?.grant_type === 'refresh_token') {
    await sleep(settings[client.clientId].delay)
  }
})

// Implements `interval` and `slow_down` of RFC 8628, sections 3.3 and 3.5, which the library lacks.
const polls = new Map()
function poll(ctx, { slow_down, drop }, state) {
  const now = performance.now()
  const waited = Math.round(now - state.last) / 1000
  state.last = now
  state.count += 1
  const impatient = waited < state.interval
  log(ctx, 'poll', { waited: state.count === 1 ? undefined : waited, interval: state.interval, impatient })
  if (state.count <= drop) {
    ctx.respond = false
    ctx.req.socket.destroy()
  } else if (impatient || state.count <= drop + slow_down) {
    state.interval += 5
    ctx.body = { error: 'slow_down' }
  }
}

provider.on('device_authorization.success', (ctx, { user_code }) => log(ctx, 'code', { user_code }))
provider.on('device_code.saved', ({ clientId: client, accountId: account, error }) => {
  if (account) write({ event: 'approved', client, account })
  if (error) write({ event: 'denied', client, error })
})
for (const kind of ['access_token', 'refresh_token']) {
  provider.on(`${kind}.saved`, ({ accountId, jti }) => appendFileSync(tokensFile, `${accountId}:${jti}\n`))
}
provider.on('grant.success', (ctx) => {
  const { AccessToken, RefreshToken, RotatedRefreshToken: before } = ctx.oidc.entities
  const tokens = { account: AccessToken.accountId, token: short(AccessToken.jti), next: short(RefreshToken?.jti) }
  log(ctx, before ? 'refreshed' : 'granted', { ...tokens, used: short(before?.jti) })
})
provider.on('grant.error', (ctx, { error, error_detail: reason }) => {
  if (error !== 'authorization_pending') log(ctx, 'refused', { error, reason, used: short(ctx.oidc.params?.refresh_token) })
})
provider.on('grant.revoked', (ctx) => {
  const { AccessToken, RefreshToken } = ctx.oidc.entities
  const { accountId: account, kind, jti } = RefreshToken ?? AccessToken
  if (ctx.oidc.route === 'revocation') log(ctx, 'revoked', { account, kind, used: short(jti) })
})
provider.on('server_error', (_, error) => console.error(error))

const { hostname, port } = new URL(issuer)
provider.listen(port, hostname)

function describe(text) {
  const [client, ...pairs] = text.split(',')
  const given = pairs.map((pair) => pair.split('=')).map(([name, value]) => {
    if (!(name in DEFAULTS) || !/^\d+$/.test(value)) throw new Error(`no such setting: ${name}=${value}`)
    return [name, Number(value)]
  })
  return [client, { ...DEFAULTS, ...Object.fromEntries(given) }]
}

function page(ctx, content) {
  ctx.body = `<!DOCTYPE html><title>Sign in</title><main>${content}</main>`
}

function log(ctx, event, details) {
  write({ event, client: ctx.oidc.client?.clientId, ...details })
}

function write(entry) {
  appendFileSync(logFile, `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`)
}

function short(token) {
  return token?.slice(0, 8)
}
