// The queue page in Spanish.

import type { Text } from './shape.ts'

export const text: Text = {
  language: 'es',
  stage: {
    joining: 'Buscando tu lugar en la fila',
    idle: 'Todavía no está abierto',
    prequeue: 'Tu posición en la fila',
    entered: 'Participas en el sorteo',
    drawing: 'Se está sorteando el orden',
    waiting: 'Tu posición en la fila',
    paused: 'La fila está en pausa',
    recovering: 'Estamos reordenando la fila',
    called: 'Estás a punto de entrar',
    entering: 'Es tu turno',
    suspended: 'Ya no hay que esperar',
    missed: 'Tu turno ha pasado',
    sold_out: 'Todo agotado',
    closed: 'La fila no está abierta',
    left: 'Has salido de la fila',
    cookies: 'Las cookies están desactivadas',
  },
  detail: {
    joining: 'Un momento, por favor.',
    idle: 'Esta página se pondrá en la fila por sí sola cuando se abra. No hace falta recargarla.',
    prequeue: 'Tu lugar está guardado. Nadie entra antes de que se abra la venta.',
    entered:
      'Todas las inscripciones hechas antes de que se abra la venta tienen la misma probabilidad. Llegar pronto no da ventaja.',
    drawing: 'Todas las inscripciones tienen la misma probabilidad. Tu lugar aparecerá aquí por sí solo.',
    waiting: '',
    paused: 'De momento no entra nadie. Cada persona conserva su lugar.',
    recovering:
      'Se están comprobando los lugares. Quien estaba en la fila recupera el suyo; tu número aparecerá cuando hayan vuelto todos.',
    called: 'Abriendo la puerta…',
    entering: 'Te hacemos pasar…',
    suspended: 'Ahora puede entrar todo el mundo. Te hacemos pasar…',
    missed: 'Te llamamos y el tiempo para entrar se ha agotado. Puedes volver a ponerte al final de la fila.',
    sold_out: 'No queda nada. Si se libera algo, esta página se pondrá en la fila por sí sola.',
    closed: 'Ahora mismo no hay nada que esperar. Vuelve cuando se abra.',
    left: 'Tu lugar ha quedado libre.',
    cookies: 'Tu lugar se guarda en una cookie. Permite las cookies de este sitio e inténtalo de nuevo.',
  },
  lateReturn:
    'Se te pasó una llamada y vuelves a estar al principio. Solo ocurre una vez: si se te pasa la próxima, pierdes tu lugar.',
  soldOutKept: 'Si se libera algo, la fila sigue por sí sola. Tu lugar está guardado.',
  again: {
    missed: 'Volver a la fila',
    closed: 'Mirar otra vez',
    sold_out: 'Mirar otra vez',
    left: 'Volver a la fila',
    cookies: 'Intentarlo de nuevo',
  },
  wait: {
    unknown: 'Verás la espera en cuanto la fila avance',
    underAMinute: 'Menos de un minuto',
    upTo: (duration) => `Hasta ${duration}`,
    about: (duration) => `Aproximadamente ${duration}`,
    between: (low, high) => `Entre ${low} y ${high}`,
    moreThan: (duration) => `Más de ${duration}`,
  },
  opening: {
    lineIn: 'La fila se abre en',
    saleIn: 'La venta se abre en',
    saleOpensIn: (clock) => `La venta se abre en ${clock}`,
    drawBeginsIn: (clock) => `El sorteo empieza en ${clock}`,
    now: 'En cualquier momento',
    lineOpens: (time) => `Apertura de la fila: ${time}`,
    saleOpens: (time) => `Apertura de la venta: ${time}`,
    ended: (time) => `Finalizó: ${time}`,
    spoken: (duration) => `Se abre en ${duration}.`,
  },
  draw: {
    entry: (number, entries) => `Inscripción ${number} de ${entries}`,
    title: 'Cómo funciona el sorteo',
    early:
      'El orden se sorteará entre todas las inscripciones hechas antes de que se abra la venta. Estar aquí pronto no da ventaja.',
    how: [
      'No importa cuándo te inscribiste. Al cerrarse las inscripciones, el orden se sortea entre todas.',
      'Antes de la primera inscripción se fijó un secreto, y su huella es pública. Cada inscripción alarga una cadena de huellas: después no se puede añadir, quitar ni mover nada sin que se note.',
    ],
    beacon: (round) =>
      `En el sorteo entra también un número aleatorio público, que solo se publica después del cierre: la ronda ${round} del servicio público.`,
    noBeacon:
      'En este sorteo no entra ningún número aleatorio público. La organización conoce el secreto y podría calcular el orden de antemano.',
    afterwards: 'Después se publica el secreto, y esta página vuelve a calcular tu sorteo en tu dispositivo.',
    published:
      'Todos los números publicados y, tras el cierre, la lista de inscripciones (en una pestaña nueva)',
    resultTitle: 'Tu sorteo',
    matches: 'Comprobado en tu dispositivo: tu número de sorteo resulta de los números publicados.',
    differs:
      'Comprobado en tu dispositivo: tu número de sorteo no resulta de los números publicados. Guarda una imagen de esto y pregunta a la organización.',
    unchecked: 'Tu dispositivo no pudo comprobar el sorteo. Con los números de abajo puede hacerse en otro.',
    covers:
      'Esto vale para tu número de sorteo, no para tu posición, que cambia cuando otros llegan y se van. Que la lista siga empezando como cuando te inscribiste solo se comprueba con la lista entera: la dirección de abajo lleva a ella.',
    beaconUsed:
      'Entró en él un número aleatorio público. Que sea de verdad el del servicio público lo dice la organización, hasta que lo compruebes en la dirección de abajo.',
    operatorKnew:
      'En este sorteo no entró ningún número aleatorio público: la organización conocía el secreto de antemano.',
    labels: {
      entry: 'Tu inscripción',
      visitor: 'Tu identificador',
      commitment: 'Huella del secreto (SHA-256)',
      headThen: 'Cadena cuando te inscribiste',
      head: 'Cadena',
      entries: 'Inscripciones',
      secret: 'Secreto',
      beacon: 'Número aleatorio público',
      beaconAddress: 'Número aleatorio público: compruébalo aquí',
      drawn: 'Tu valor sorteado',
      place: 'Tu número de sorteo (menor es antes)',
    },
  },
  title: (position, title) => `Posición ${position} · ${title}`,
  titleCalled: '¡Es tu turno!',
  updatedNow: 'Actualizado ahora mismo',
  updated: (ago) => `Actualizado ${ago}`,
  progress: 'Camino recorrido en la fila',
  trouble: 'Reintentando la conexión. Tu lugar está a salvo.',
  troubleBefore: 'Reintentando la conexión.',
  old: 'Los números pueden ser algo antiguos en este momento. Tu lugar está guardado.',
  offline: 'No tienes conexión. Tu lugar está a salvo y la página seguirá por sí sola.',
  notLeft: 'No nos ha llegado, así que sigues en la fila. Inténtalo de nuevo.',
  nextTitle: 'Conviene saber',
  next: {
    open: 'Deja esta página abierta: te hará pasar por sí sola. No hace falta recargarla.',
    keptPlace:
      'Tu lugar se guarda en este navegador. Si cierras la pestaña, vuelve a abrir la misma dirección.',
    keptEntry:
      'Tu inscripción se guarda en este navegador. Si cierras la pestaña, vuelve a abrir la misma dirección.',
    turn: (duration) => `Cuando llegue tu turno, tienes ${duration} para entrar.`,
    late: (duration) =>
      `Si se te pasan, puedes volver una vez al principio de la fila en un plazo de ${duration}.`,
  },
  leavePlace: {
    button: 'Salir de la fila',
    title: '¿Salir de la fila?',
    text: 'Renuncias a tu lugar. Si vuelves, empezarás de nuevo al final.',
  },
  leaveDraw: {
    button: 'Salir del sorteo',
    title: '¿Salir del sorteo?',
    text: 'Renuncias a tu inscripción. Puedes inscribirte de nuevo hasta que se abra la venta.',
  },
  stay: 'Quedarme',
  go: 'Salir',
  reference: (visitor) => `Referencia ${visitor}`,
  spokenPosition: (position) => `Estás en el número ${position} de la fila.`,
  first: {
    heading: 'Estás en la fila',
    join: 'Ha llegado más gente de la que puede entrar a la vez. Ponte en la fila para obtener tu lugar: se guarda en este navegador, y entras cuando llega tu turno.',
    joinButton: 'Ponerme en la fila',
    enterDraw:
      'El orden se sorteará cuando se abra la venta. Inscríbete en el sorteo: tu inscripción se guarda en este navegador y todas tienen la misma probabilidad.',
    enterDrawButton: 'Participar en el sorteo',
    byHand:
      'Esta página no cambia por sí sola. Mira de vez en cuando: dice cuánto ha avanzado la fila y te deja entrar cuando llega tu turno.',
    needsScript:
      'Elegir asientos puede requerir JavaScript: actívalo antes de esperar. Así esta página también avanza por sí sola.',
    ended: 'Tu visita a la tienda ha terminado. Para volver a entrar, hay que hacer la fila otra vez.',
    lookAgain: 'Mirar otra vez',
    storeDown: 'En este momento no se puede acceder a la fila. Los lugares están a salvo.',
  },
}
