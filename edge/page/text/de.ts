// The queue page in German.

import type { Text } from './shape.ts'

export const text: Text = {
  language: 'de',
  stage: {
    joining: 'Sie werden ein\u00adge\u00adreiht',
    idle: 'Noch nicht geöffnet',
    prequeue: 'Ihre Position in der Warteschlange',
    entered: 'Sie nehmen an der Aus\u00adlosung teil',
    drawing: 'Die Reihen\u00adfolge wird aus\u00adgelost',
    waiting: 'Ihre Position in der Warteschlange',
    paused: 'Kurze Pause',
    recovering: 'Die Reihen\u00adfolge wird wieder\u00adher\u00adge\u00adstellt',
    called: 'Gleich sind Sie dran',
    entering: 'Sie sind dran',
    suspended: 'Kein Warten mehr',
    missed: 'Ihr Aufruf ist abge\u00adlaufen',
    sold_out: 'Aus\u00adverkauft',
    closed: 'Zurzeit nicht geöffnet',
    left: 'Sie haben die Warte\u00adschlange verlassen',
    cookies: 'Cookies sind ausge\u00adschaltet',
  },
  detail: {
    joining: 'Einen Moment bitte.',
    idle: 'Diese Seite stellt sich von selbst an, sobald es losgeht. Neu laden ist nicht nötig.',
    prequeue: 'Ihr Platz ist sicher. Vor Verkaufsstart wird niemand eingelassen.',
    entered:
      'Wer sich vor Verkaufsstart anmeldet, hat dieselbe Chance. Früh zu kommen bringt keinen Vorteil.',
    drawing: 'Alle Angemeldeten haben dieselbe Chance. Ihr Platz erscheint hier von selbst.',
    waiting: '',
    paused: 'Im Augenblick wird niemand eingelassen. Alle behalten ihren Platz.',
    recovering:
      'Die Plätze werden geprüft. Wer in der Warteschlange stand, kommt auf seinen Platz zurück; Ihre Nummer erscheint, sobald alle wieder da sind.',
    called: 'Die Tür geht auf …',
    entering: 'Sie werden eingelassen …',
    suspended: 'Jetzt können alle hinein. Sie werden eingelassen …',
    missed: 'Sie wurden aufgerufen, die Zeit zum Eintreten ist vorbei. Sie können sich hinten neu anstellen.',
    sold_out: 'Es ist nichts mehr da. Wird etwas frei, stellt sich diese Seite von selbst an.',
    closed: 'Im Moment gibt es hier nichts zu warten. Kommen Sie gern zur Öffnung wieder.',
    left: 'Ihr Platz ist frei geworden.',
    cookies:
      'Ihr Platz wird in einem Cookie aufbewahrt. Erlauben Sie Cookies für diese Website und versuchen Sie es erneut.',
  },
  lateReturn:
    'Sie haben einen Aufruf verpasst und stehen jetzt wieder ganz vorn. Das gilt nur dieses eine Mal: Verpassen Sie auch den nächsten, ist Ihr Platz weg.',
  soldOutKept: 'Wird etwas frei, geht es von selbst weiter. Ihr Platz bleibt Ihnen.',
  again: {
    missed: 'Neu anstellen',
    closed: 'Noch einmal nachsehen',
    sold_out: 'Noch einmal nachsehen',
    left: 'Neu anstellen',
    cookies: 'Erneut versuchen',
  },
  wait: {
    unknown: 'Die Wartezeit erscheint, sobald es vorangeht',
    underAMinute: 'Weniger als eine Minute',
    upTo: (duration) => `Bis zu ${duration}`,
    about: (duration) => `Etwa ${duration}`,
    between: (low, high) => `Etwa ${low} bis ${high}`,
    moreThan: (duration) => `Mehr als ${duration}`,
  },
  opening: {
    lineIn: 'Die Warteschlange öffnet in',
    saleIn: 'Der Verkauf beginnt in',
    saleOpensIn: (clock) => `Der Verkauf beginnt in ${clock}`,
    drawBeginsIn: (clock) => `Die Auslosung beginnt in ${clock}`,
    now: 'Jeden Augenblick',
    lineOpens: (time) => `Öffnung der Warteschlange: ${time}`,
    saleOpens: (time) => `Verkaufsstart: ${time}`,
    ended: (time) => `Ende: ${time}`,
    spoken: (duration) => `Noch ${duration} bis zur Öffnung.`,
  },
  draw: {
    entry: (number, entries) => `Anmeldung ${number} von ${entries}`,
    title: 'So wird ausgelost',
    early:
      'Die Reihenfolge wird unter allen ausgelost, die sich vor Verkaufsstart anmelden. Früh hier zu sein bringt keinen Vorteil.',
    how: [
      'Wann Sie sich anmelden, spielt keine Rolle. Nach Anmeldeschluss wird die Reihenfolge unter allen ausgelost.',
      'Vor der ersten Anmeldung wurde ein Geheimnis festgelegt; sein Fingerabdruck ist öffentlich. Jede Anmeldung verlängert eine Kette von Fingerabdrücken: Nachträglich lässt sich nichts hinzufügen, entfernen oder verschieben, ohne dass es auffällt.',
    ],
    beacon: (round) =>
      `Auch eine öffentliche Zufallszahl fließt ein, die erst nach Anmeldeschluss erscheint: Runde ${round} des Zufallsdienstes.`,
    noBeacon:
      'In diese Auslosung fließt keine öffentliche Zufallszahl ein. Der Betreiber kennt das Geheimnis und könnte die Reihenfolge vorab berechnen.',
    afterwards:
      'Danach wird das Geheimnis veröffentlicht, und diese Seite rechnet Ihr Los auf Ihrem Gerät nach.',
    published:
      'Alle veröffentlichten Zahlen und, nach Anmeldeschluss, die Liste der Anmeldungen (öffnet einen neuen Tab)',
    resultTitle: 'Ihr Los',
    matches: 'Auf Ihrem Gerät geprüft: Ihre Losnummer ergibt sich aus den veröffentlichten Zahlen.',
    differs:
      'Auf Ihrem Gerät geprüft: Ihre Losnummer ergibt sich nicht aus den veröffentlichten Zahlen. Bitte machen Sie ein Bild davon und fragen Sie den Veranstalter.',
    unchecked:
      'Ihr Gerät konnte das Los nicht prüfen. Mit den Zahlen unten lässt es sich anderswo nachrechnen.',
    covers:
      'Das gilt für Ihre eigene Losnummer, nicht für Ihre Position, die sich ändert, wenn andere kommen und gehen. Ob die Liste noch so beginnt wie bei Ihrer Anmeldung, lässt sich nur mit der ganzen Liste prüfen: Die Adresse unten führt zu ihr.',
    beaconUsed:
      'Eine öffentliche Zufallszahl floss ein. Dass sie wirklich vom Zufallsdienst stammt, sagt der Betreiber; nachsehen können Sie es unter der Adresse unten.',
    operatorKnew:
      'In diese Auslosung floss keine öffentliche Zufallszahl ein: Der Betreiber kannte das Geheimnis vorher.',
    labels: {
      entry: 'Ihre Anmeldung',
      visitor: 'Ihre Kennung',
      commitment: 'Fingerabdruck des Geheimnisses (SHA-256)',
      headThen: 'Kette bei Ihrer Anmeldung',
      head: 'Kette',
      entries: 'Anmeldungen',
      secret: 'Geheimnis',
      beacon: 'Öffentliche Zufallszahl',
      beaconAddress: 'Öffentliche Zufallszahl: hier nachsehen',
      drawn: 'Ihr Loswert',
      place: 'Ihre Losnummer (kleiner heißt früher)',
    },
  },
  title: (position, title) => `Position ${position} · ${title}`,
  titleCalled: 'Sie sind dran!',
  updatedNow: 'Gerade aktualisiert',
  updated: (ago) => `Aktualisiert ${ago}`,
  progress: 'Weg durch die Warteschlange',
  trouble: 'Die Verbindung wird erneut versucht. Ihr Platz ist sicher.',
  troubleBefore: 'Die Verbindung wird erneut versucht.',
  old: 'Die Zahlen können im Augenblick etwas alt sein. Ihr Platz bleibt Ihnen.',
  offline: 'Sie sind offline. Ihr Platz ist sicher, und es geht von selbst weiter.',
  notLeft:
    'Das kam nicht bei uns an, Sie sind also noch in der Warteschlange. Bitte versuchen Sie es erneut.',
  nextTitle: 'Gut zu wissen',
  next: {
    open: 'Lassen Sie diese Seite offen: Sie lässt Sie von selbst ein. Neu laden ist nicht nötig.',
    keptPlace:
      'Ihr Platz wird in diesem Browser aufbewahrt. Wenn Sie den Tab schließen, öffnen Sie dieselbe Adresse wieder.',
    keptEntry:
      'Ihre Anmeldung wird in diesem Browser aufbewahrt. Wenn Sie den Tab schließen, öffnen Sie dieselbe Adresse wieder.',
    turn: (duration) => `Wenn Sie dran sind, haben Sie ${duration} Zeit einzutreten.`,
    late: (duration) => `Verpassen Sie das, kommen Sie innerhalb von ${duration} einmal wieder nach vorn.`,
  },
  leavePlace: {
    button: 'Warte\u00adschlange verlassen',
    title: 'Warte\u00adschlange verlassen?',
    text: 'Sie geben Ihren Platz auf. Wenn Sie wieder\u00adkommen, beginnen Sie ganz hinten.',
  },
  leaveDraw: {
    button: 'Anmeldung zurück\u00adziehen',
    title: 'Anmeldung zurück\u00adziehen?',
    text: 'Sie nehmen nicht mehr an der Auslosung teil. Bis zum Verkaufsstart können Sie sich neu anmelden.',
  },
  stay: 'Bleiben',
  go: 'Verlassen',
  reference: (visitor) => `Kennung ${visitor}`,
  spokenPosition: (position) => `Sie sind Nummer ${position} in der Warteschlange.`,
  first: {
    heading: 'Sie sind in der Warteschlange',
    join: 'Es sind mehr Menschen gekommen, als gleichzeitig hineinkönnen. Stellen Sie sich an: Ihr Platz wird in diesem Browser aufbewahrt, und Sie kommen hinein, wenn Sie dran sind.',
    joinButton: 'Anstellen',
    enterDraw:
      'Bei Verkaufsstart wird die Reihenfolge ausgelost. Melden Sie sich an: Ihre Anmeldung wird in diesem Browser aufbewahrt, und alle haben dieselbe Chance.',
    enterDrawButton: 'Zur Auslosung anmelden',
    byHand:
      'Diese Seite ändert sich nicht von selbst. Sehen Sie ab und zu nach: Sie erfahren, wie weit es ist, und kommen hinein, wenn Sie dran sind.',
    needsScript:
      'Für die Wahl der Plätze kann JavaScript nötig sein: Schalten Sie es ein, bevor Sie warten. Dann läuft auch diese Seite von selbst weiter.',
    ended: 'Ihr Besuch im Shop ist beendet. Wenn Sie noch einmal hineinmöchten, stellen Sie sich neu an.',
    lookAgain: 'Noch einmal nachsehen',
    storeDown: 'Die Warteschlange ist im Moment nicht erreichbar. Alle Plätze sind sicher.',
  },
}
