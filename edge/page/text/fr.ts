// The queue page in French. Spaces before ":", "?" and "!" do not break.

import type { Text } from './shape.ts'

export const text: Text = {
  language: 'fr',
  stage: {
    joining: 'Nous préparons votre place',
    idle: 'Pas encore ouvert',
    prequeue: 'Votre position dans la file',
    entered: 'Vous participez au tirage au sort',
    drawing: 'Tirage au sort en cours',
    waiting: 'Votre position dans la file',
    paused: 'La file est en pause',
    recovering: 'Nous remettons la file en ordre',
    called: 'C’est presque à vous',
    entering: 'C’est à vous',
    suspended: 'Plus besoin d’attendre',
    missed: 'Votre tour est passé',
    sold_out: 'Tout est vendu',
    closed: 'La file n’est pas ouverte',
    left: 'Vous avez quitté la file',
    cookies: 'Les cookies sont désactivés',
  },
  detail: {
    joining: 'Un instant, s’il vous plaît.',
    idle: 'Cette page rejoint la file d’elle-même dès l’ouverture. Inutile de la recharger.',
    prequeue: 'Votre place est gardée. Personne n’entre avant l’ouverture de la vente.',
    entered:
      'Toutes les inscriptions faites avant l’ouverture de la vente ont la même chance. Arriver tôt ne donne aucun avantage.',
    drawing: 'Toutes les inscriptions ont la même chance. Votre place s’affichera ici d’elle-même.',
    waiting: '',
    paused: 'Personne n’entre pour le moment. Chacun garde sa place.',
    recovering:
      'Les places sont en cours de vérification. Chacun retrouve la sienne\u00a0; votre numéro s’affichera quand tout le monde sera de retour.',
    called: 'La porte s’ouvre…',
    entering: 'Nous vous faisons entrer…',
    suspended: 'Tout le monde peut entrer. Nous vous faisons entrer…',
    missed:
      'Votre tour est venu et le temps pour entrer est écoulé. Vous pouvez reprendre place à la fin de la file.',
    sold_out: 'Il ne reste plus rien. Si quelque chose se libère, cette page rejoint la file d’elle-même.',
    closed: 'Il n’y a rien à attendre pour l’instant. Revenez à l’ouverture.',
    left: 'Votre place a été libérée.',
    cookies: 'Votre place est gardée dans un cookie. Autorisez les cookies pour ce site, puis réessayez.',
  },
  lateReturn:
    'Vous avez manqué un appel et vous revoilà en tête. Ce retour est unique\u00a0: si vous manquez le prochain appel, votre place est perdue.',
  soldOutKept: 'Si quelque chose se libère, la file reprend d’elle-même. Votre place est gardée.',
  again: {
    missed: 'Rejoindre à nouveau la file',
    closed: 'Regarder à nouveau',
    sold_out: 'Regarder à nouveau',
    left: 'Rejoindre à nouveau la file',
    cookies: 'Réessayer',
  },
  wait: {
    unknown: 'L’attente s’affichera dès que la file avance',
    underAMinute: 'Moins d’une minute',
    upTo: (duration) => `Jusqu’à ${duration}`,
    about: (duration) => `Environ ${duration}`,
    between: (low, high) => `Environ ${low} à ${high}`,
    moreThan: (duration) => `Plus de ${duration}`,
  },
  opening: {
    lineIn: 'La file ouvre dans',
    saleIn: 'La vente ouvre dans',
    saleOpensIn: (clock) => `La vente ouvre dans ${clock}`,
    drawBeginsIn: (clock) => `Le tirage commence dans ${clock}`,
    now: 'D’un instant à l’autre',
    lineOpens: (time) => `Ouverture de la file\u00a0: ${time}`,
    saleOpens: (time) => `Ouverture de la vente\u00a0: ${time}`,
    ended: (time) => `Terminé\u00a0: ${time}`,
    spoken: (duration) => `Ouverture dans ${duration}.`,
  },
  draw: {
    entry: (number, entries) => `Inscription ${number} sur ${entries}`,
    title: 'Comment se déroule le tirage',
    early:
      'L’ordre sera tiré au sort entre toutes les inscriptions faites avant l’ouverture de la vente. Être là tôt ne donne aucun avantage.',
    how: [
      'L’heure de votre inscription ne compte pas. À la clôture, l’ordre est tiré au sort entre toutes les inscriptions.',
      'Un secret a été fixé avant la première inscription, et son empreinte est publique. Chaque inscription prolonge une chaîne d’empreintes\u00a0: rien ne peut être ajouté, retiré ou déplacé après coup sans que cela se voie.',
    ],
    beacon: (round) =>
      `Un nombre aléatoire public, publié seulement après la clôture, entre aussi dans le tirage\u00a0: tour ${round} du service public.`,
    noBeacon:
      'Aucun nombre aléatoire public n’entre dans ce tirage. L’organisateur connaît le secret et pourrait calculer l’ordre à l’avance.',
    afterwards:
      'Ensuite le secret est publié, et cette page refait le calcul de votre tirage sur votre appareil.',
    published:
      'Tous les nombres publiés et, après la clôture, la liste des inscriptions (dans un nouvel onglet)',
    resultTitle: 'Votre tirage',
    matches: 'Vérifié sur votre appareil\u00a0: votre numéro de tirage découle bien des nombres publiés.',
    differs:
      'Vérifié sur votre appareil\u00a0: votre numéro de tirage ne découle pas des nombres publiés. Gardez-en une image et demandez à l’organisateur.',
    unchecked:
      'Votre appareil n’a pas pu vérifier votre tirage. Les nombres ci-dessous permettent de le faire ailleurs.',
    covers:
      'Cela vaut pour votre numéro de tirage, et non pour votre position, qui change avec les allées et venues. Que la liste commence toujours comme à votre inscription ne se vérifie qu’avec la liste entière\u00a0: l’adresse ci-dessous y mène.',
    beaconUsed:
      'Un nombre aléatoire public y est entré. Qu’il vienne vraiment du service public, l’organisateur l’affirme\u00a0; l’adresse ci-dessous permet de le vérifier.',
    operatorKnew:
      'Aucun nombre aléatoire public n’est entré dans ce tirage\u00a0: l’organisateur connaissait le secret à l’avance.',
    labels: {
      entry: 'Votre inscription',
      visitor: 'Votre identifiant',
      commitment: 'Empreinte du secret (SHA-256)',
      headThen: 'Chaîne à votre inscription',
      head: 'Chaîne',
      entries: 'Inscriptions',
      secret: 'Secret',
      beacon: 'Nombre aléatoire public',
      beaconAddress: 'Nombre aléatoire public\u00a0: à vérifier ici',
      drawn: 'Votre valeur tirée',
      place: 'Votre numéro de tirage (plus petit, plus tôt)',
    },
  },
  title: (position, title) => `Position ${position} · ${title}`,
  titleCalled: 'C’est à vous\u00a0!',
  updatedNow: 'Mis à jour à l’instant',
  updated: (ago) => `Mis à jour ${ago}`,
  progress: 'Avancée dans la file',
  trouble: 'Nouvelle tentative de connexion. Votre place est gardée.',
  troubleBefore: 'Nouvelle tentative de connexion.',
  old: 'Les chiffres peuvent dater un peu pour le moment. Votre place est gardée.',
  offline: 'Vous êtes hors ligne. Votre place est gardée et la page reprendra d’elle-même.',
  notLeft: 'Cela ne nous est pas parvenu\u00a0: vous êtes toujours dans la file. Veuillez réessayer.',
  nextTitle: 'Bon à savoir',
  next: {
    open: 'Gardez cette page ouverte\u00a0: elle vous fait entrer d’elle-même. Inutile de la recharger.',
    keptPlace: 'Votre place est gardée dans ce navigateur. Si vous fermez l’onglet, rouvrez la même adresse.',
    keptEntry:
      'Votre inscription est gardée dans ce navigateur. Si vous fermez l’onglet, rouvrez la même adresse.',
    turn: (duration) => `Quand votre tour vient, vous avez ${duration} pour entrer.`,
    late: (duration) =>
      `Si vous les manquez, vous pouvez revenir une fois en tête de file, dans un délai de ${duration}.`,
  },
  leavePlace: {
    button: 'Quitter la file',
    title: 'Quitter la file\u00a0?',
    text: 'Vous renoncez à votre place. Si vous revenez, vous repartez de la fin.',
  },
  leaveDraw: {
    button: 'Quitter le tirage',
    title: 'Quitter le tirage au sort\u00a0?',
    text: 'Vous renoncez à votre inscription. Vous pouvez vous réinscrire jusqu’à l’ouverture de la vente.',
  },
  stay: 'Rester',
  go: 'Quitter',
  reference: (visitor) => `Référence ${visitor}`,
  spokenPosition: (position) => `Vous êtes au numéro ${position} de la file.`,
  first: {
    heading: 'Vous êtes dans la file d’attente',
    join: 'Il y a plus de monde que nous ne pouvons en accueillir à la fois. Rejoignez la file pour obtenir votre place\u00a0: elle est gardée dans ce navigateur, et vous entrez quand votre tour vient.',
    joinButton: 'Rejoindre la file',
    enterDraw:
      'L’ordre sera tiré au sort à l’ouverture de la vente. Inscrivez-vous au tirage\u00a0: votre inscription est gardée dans ce navigateur, et les chances sont les mêmes pour tous.',
    enterDrawButton: 'Participer au tirage',
    byHand:
      'Cette page ne change pas d’elle-même. Regardez de temps en temps\u00a0: elle dit où en est la file et vous fait entrer quand votre tour vient.',
    needsScript:
      'Le choix des places peut demander JavaScript\u00a0: activez-le avant d’attendre. Cette page avancera alors aussi d’elle-même.',
    ended: 'Votre visite de la boutique est terminée. Pour y revenir, il faut refaire la file.',
    lookAgain: 'Regarder à nouveau',
    storeDown: 'La file est injoignable pour le moment. Les places sont gardées.',
  },
}
